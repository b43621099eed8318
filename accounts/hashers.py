"""How passwords are kept."""

from django.contrib.auth import hashers


class Argon2PasswordHasher(hashers.Argon2PasswordHasher):
    """
    Argon2id at the cost that OWASP recommends: 19 MiB, two passes, one lane.

    Django's own default takes 100 MiB for each sign-in under way: sixteen at once would end a
    small server.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
