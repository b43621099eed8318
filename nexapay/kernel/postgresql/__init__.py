"""Django's PostgreSQL backend, with COMMIT in the round trip of what is said last."""
