"""Standard Webhooks: who signed a body, and when. See standardwebhooks.com."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from django.core.exceptions import ImproperlyConfigured
from standardwebhooks.webhooks import hmac_data

from onramp.banks.protocol import Forged, OddEventId, Verified

TOLERANCE_S = 300
PROOF: tuple[str, ...] = ("webhook-id", "webhook-timestamp", "webhook-signature")
_EVENT_ID = re.compile(r"[A-Za-z0-9._:@+/=~-]{1,128}")
_STAMP = re.compile(r"[0-9]{1,12}")
_MAX_SIGNATURES = 10
_MAX_HEADER = 2_000


def verify(
    keys: list[bytes], *, headers: Mapping[str, str], body: bytes, now: datetime
) -> Verified:
    """
    Return the event's id and the key's, if one of the keys signed this body around now.

    A signature is taken for TOLERANCE_S before and after it was made.

    :raises Forged: if none did.
    :raises OddEventId: if one did, under an id of odd characters or over 128 of them.
    """
    event_id, stamp, offered = (header(headers, name) for name in PROOF)
    if not _STAMP.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
        raise Forged("timestamp")
    signers = (key for key in keys if _signs(key, event_id, stamp, body, offered))
    if (signer := next(signers, None)) is None:
        raise Forged("signature")
    return Verified(usable(event_id), key_id(signer))


def key_id(key: bytes) -> str:
    """Return a name for a key that tells nothing of it, to see later which one was used."""
    return sha256(b"key-id:" + key).hexdigest()[:8]


def key(secret: str) -> bytes:
    """
    Return the bytes that a whsec_ secret stands for.

    :raises ImproperlyConfigured: if it is not base64.
    """
    try:
        return base64.b64decode(secret.removeprefix("whsec_") + "==")
    except ValueError as error:
        raise ImproperlyConfigured(
            "BANK_WEBHOOK_SECRET holds a secret that is not base64."
        ) from error


def header(headers: Mapping[str, str], name: str) -> str:
    """
    Return a header of printable ASCII, at most 2,000 characters of it.

    :raises Forged: if it is missing, too long or odd.
    """
    value = headers.get(name, "")
    if not 0 < len(value) <= _MAX_HEADER or not value.isascii() or not value.isprintable():
        raise Forged(name)
    return value


def usable(event_id: str) -> str:
    """
    Return the id, if it is one that we can keep.

    :raises OddEventId: if it has odd characters, or over 128 of them.
    """
    if not _EVENT_ID.fullmatch(event_id):
        raise OddEventId
    return event_id


def _signs(key: bytes, event_id: str, stamp: str, body: bytes, offered: str) -> bool:
    # On bytes: the library's own verify() reads the body as text, takes a timestamp's full-width
    # digits and fails on a signature without a comma. Its way of signing is what we check.
    expected = hmac_data(key, b".".join([event_id.encode(), stamp.encode(), body]))
    return any(
        compare_digest(expected, signature)
        for signature in map(_signature, offered.split(" ", _MAX_SIGNATURES)[:_MAX_SIGNATURES])
    )


def _signature(versioned: str) -> bytes:
    version, _, text = versioned.partition(",")
    try:
        return base64.b64decode(text, validate=True) if version == "v1" else b""
    except ValueError:
        return b""
