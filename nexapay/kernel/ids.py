"""Ids that nobody can guess, though those of one second are neighbours in an index."""

import re
import time
from os import urandom
from uuid import UUID

_CHANCE = 26  # Digits of it: 104 bits, anew for each id.
_DIGITS = re.compile("[0-9A-F]{4,12}")


def said(reference: str, prefix: str) -> tuple[UUID, UUID] | None:
    """
    Return the first and last id that a reference may stand for; None for what is no reference.

    It is the first digits of an id, four to twelve, with or without the prefix and hyphens.
    """
    digits = reference.upper().removeprefix(prefix).replace("-", "")
    if not _DIGITS.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "F"))


def new() -> UUID:
    """Return an id, for what is shown to people or told to machines. As many() says."""
    return UUID(int=int(many(1)[0], 16))


def many(number: int) -> list[str]:
    """
    Return ids of version 8 (RFC 9562): the second they were made in, of 65,536, then chance.

    An index writes those of one second to one place, and not to a page of its own for each, which
    is rarely in memory once there are millions. Each begins with enough chance to be told by its
    first twelve digits.
    """
    second = f"{int(time.time()) % 65_536:04x}"
    chance = urandom(number * _CHANCE // 2).hex()
    parts = [chance[first : first + _CHANCE] for first in range(0, len(chance), _CHANCE)]
    return [f"{second}{part[:8]}8{part[8:11]}8{part[11:]}" for part in parts]
