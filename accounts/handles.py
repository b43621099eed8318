"""Handles: the @name by which people find one another. Kept without the @, in lower case."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

MAX_LENGTH = 30
RULE = (
    "Use 3 to 30 letters, digits, dots or underscores, with at least one letter. "
    "Begin with a letter or digit."
)
_FORM = re.compile(r"(?=.*[a-z])[a-z0-9][a-z0-9_.]{2,29}")
_DIGITS = (2, 2, 4, 4, 6, 6, 8, 8)
# Nobody may look like us, or like somebody who asks for passwords on our behalf.
_OURS = re.compile(r"[._]*(nexapay.*|admin|administrator|bank|help|root|security|staff|support)")


class HandleError(ValueError):
    """The text cannot be a handle. The message is a sentence for the person who typed it."""


def parse(text: str) -> str:
    """
    Return the handle without its @ and in lower case.

    >>> parse("@Kabir.Mehta")
    'kabir.mehta'

    :raises HandleError: if its form is not that of a handle, or we keep it for ourselves.
    """
    handle = text.removeprefix("@")
    # ASCII first: the lower case of the Kelvin sign is a plain k.
    if len(handle) > MAX_LENGTH or not handle.isascii() or not _FORM.fullmatch(handle.lower()):
        raise HandleError(RULE)
    if _OURS.fullmatch(handle.lower()):
        raise HandleError(f"@{handle.lower()} is not available. Try another.")
    return handle.lower()


def candidates(name: str) -> Iterator[str]:
    """Yield handles made from a name, the nicest first; the last are all but surely free."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall("[a-z0-9]+", plain)
    nice = [word for word in (*words[:1], "".join(words)[:20]) if _FORM.fullmatch(word)]
    yield from (word for word in dict.fromkeys(nice) if not _OURS.fullmatch(word))
    first = words[0][:20] if words else ""
    base = first if re.search("[a-z]", first) and not _OURS.fullmatch(first) else "person"
    for digits in _DIGITS:
        yield f"{base}{secrets.randbelow(10**digits):0{digits}}"
