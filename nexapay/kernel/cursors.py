"""Where a page of a list ends, as text for an address: by time, then by a rank within one time."""

import base64
import binascii
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[datetime, int]  # Where a row stands: by time, then by rank.
END: Key = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)  # After every row.


class BadCursor(ValueError):
    """The cursor is not one we gave out."""


def encode(key: Key) -> str:
    """Return the key as text for an address."""
    at, rank = key
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{rank}".encode()).decode().rstrip("=")


def decode(cursor: str) -> Key:
    """
    Return the key that encode() made into cursor.

    :raises BadCursor: if it did not.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        micros, rank = map(int, text.decode("ascii").split("."))
        key = (_EPOCH + timedelta(microseconds=micros), rank)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise BadCursor("That page does not exist.") from error
    if len(cursor) > 64 or encode(key) != cursor or not 0 <= rank < 2**63:
        raise BadCursor("That page does not exist.")
    return key
