"""A black-box torture: a real site under load, faults, and a verdict after each of them."""
