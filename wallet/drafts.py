"""
A payment between its form and its receipt.

What was typed waits in the session, so that "Change" brings it back. What was seen on the review
page travels in that page, signed: confirming acts on it alone.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.core import signing

_SESSION_KEY = "send_drafts"
_MAX_DRAFTS = 5
_MAX_AGE_S = 30 * 60
_SALT = "wallet.send.review"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What was typed, as it was typed."""

    to: str
    amount: str
    note: str


class BadToken(ValueError):
    """The review page is not one that we showed this person lately. The message is for them."""


class Seen(NamedTuple):
    """What a person saw and confirms. amount_minor is in minor units of currency."""

    user_id: int
    key: str
    source_id: int
    target_id: int
    amount_minor: int
    currency: str
    note: str

    def sign(self) -> str:
        """Return it as a token for the review page."""
        return _signer().sign_object(self)


def read_token(token: str, *, user_id: int, key: UUID) -> Seen:
    """
    Return what the token says was seen.

    :raises BadToken: if it was not signed here, for this person and key, in the last 30 minutes.
    """
    try:
        seen = Seen._make(_signer().unsign_object(token, max_age=_MAX_AGE_S))
    except signing.SignatureExpired as error:
        raise BadToken("This page was open for too long. Nothing was sent.") from error
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadToken("We could not read this page's details. Nothing was sent.") from error
    if (seen.user_id, seen.key) != (user_id, str(key)):
        raise BadToken("This page belongs to another payment. Nothing was sent.")
    return seen


@cache
def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=_SALT)


def keep(session: SessionBase, key: UUID, draft: Draft) -> None:
    """Keep the draft in the session, and of all drafts the newest five."""
    drafts = session.get(_SESSION_KEY, {})
    drafts.pop(str(key), None)
    drafts[str(key)] = asdict(draft)
    session[_SESSION_KEY] = dict(list(drafts.items())[-_MAX_DRAFTS:])


def find(session: SessionBase, key: UUID | str) -> Draft | None:
    """
    Return the draft of that key, if it is still there.

    It may have been sent: to forget it then would write the session in the middle of a payment.
    """
    kept = session.get(_SESSION_KEY, {}).get(str(key))
    return Draft(**kept) if kept else None
