"""Rate limits that hold across workers and restarts: one atomic statement on one table."""

from hashlib import sha256

from django.db import connection

# A window starts with its first hit; the row is the lock, so no two workers count the same hit.
_COUNT = """
INSERT INTO nexapay_throttle AS t (bucket, window_started, hits)
VALUES (%(bucket)s, clock_timestamp(), 1)
ON CONFLICT (bucket) DO UPDATE SET (hits, window_started) = (
  SELECT CASE WHEN open THEN t.hits + 1 ELSE 1 END,
    CASE WHEN open THEN t.window_started ELSE clock_timestamp() END
  FROM (VALUES (t.window_started > clock_timestamp() - make_interval(secs => %(window_s)s::float)))
    AS w (open)
)
RETURNING hits
"""


def allow(*, scope: str, key: str, limit: int, window_s: int) -> bool:
    """
    Count one hit and return whether it is within limit hits for each window of window_s seconds.

    scope names what is limited, key who does it. Only their hash is stored: no personal datum.
    """
    bucket = sha256(f"{scope}\0{key}".encode("utf-8", "surrogatepass")).digest()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"bucket": bucket, "window_s": window_s})
        hits: int = cursor.fetchone()[0]
    return hits <= limit


def forget_old() -> int:
    """Delete windows that began over a day ago; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM nexapay_throttle"
            " WHERE window_started < clock_timestamp() - interval '1 day'"
        )
        return int(cursor.rowcount)
