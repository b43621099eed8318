"""Public ids, many at a time."""

from datetime import datetime
from secrets import token_hex

_HEX = 18  # Digits of chance: 72 bits, anew for each id.


def ordered_uuids(number: int, at: datetime) -> list[str]:
    """
    Return UUIDs of version 7 (RFC 9562): milliseconds since 1970, then chance.

    Neighbours in time are neighbours in an index, which so is written at its end and not all over.
    """
    milliseconds = int(at.timestamp() * 1000)
    chance = token_hex(number * _HEX // 2)
    parts = (chance[first : first + _HEX] for first in range(0, len(chance), _HEX))
    return [f"{milliseconds:012x}7{part[:3]}8{part[3:]}" for part in parts]
