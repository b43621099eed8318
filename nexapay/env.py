"""Read settings from the environment, and stop loudly when one is missing or malformed."""

import base64
import os
import re
from hashlib import sha256
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from babel.numbers import is_currency
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """
    Return the text of NAME, or what the file named by NAME_FILE holds, or the default.

    :raises ImproperlyConfigured: if it is unset and has no default, or the file cannot be read.
    """
    if (value := os.environ.get(name)) is not None:
        return value
    if path := os.environ.get(f"{name}_FILE"):
        return _read_secret(name, path)
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. Set {name}, or {name}_FILE to a file.")
    return default


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read.") from error


def flag(name: str, *, default: bool) -> bool:
    """Return whether NAME is 1; anything but 0 and 1 is refused."""
    value = text(name, "1" if default else "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be 0 or 1.")
    return value == "1"


def number(name: str, default: int, *, low: int = 0, high: int = 10**15) -> int:
    """Return NAME as a whole number between low and high, both included."""
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,16}", value) or not low <= int(value) <= high:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be a number from {low} to {high}."
        )
    return int(value)


def names(name: str, default: str | None = None) -> list[str]:
    """Return the comma-separated parts of NAME, without blanks; one at least without a default."""
    parts = [part.strip() for part in text(name, default).split(",") if part.strip()]
    if default is None and not parts:
        raise ImproperlyConfigured(f"{name} is empty; it must have at least one name.")
    return parts


def currency(name: str, default: str) -> str:
    """Return NAME, checked to be the code of a currency."""
    value = text(name, default)
    if not re.fullmatch("[A-Z]{3}", value) or not is_currency(value):
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be an ISO 4217 code, such as INR."
        )
    return value


def url(
    name: str, default: str | None = None, *, schemes: tuple[str, ...] = ("http", "https")
) -> str:
    """Return NAME, checked to be an absolute URL, without its last slash."""
    value = text(name, default)
    parts = _split(name, value)
    if parts.scheme not in schemes or not parts.netloc:
        allowed = " or ".join(f"{scheme}://…" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} is malformed; it must look like {allowed}.")
    return value.rstrip("/")


def _split(name: str, value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is malformed: {error}.") from error


def webhook_secrets(name: str) -> list[str]:
    """Return the space-separated Standard Webhooks secrets of NAME, the newest first."""
    secrets = text(name).split()
    if not secrets or not all(_is_webhook_secret(secret) for secret in secrets):
        raise ImproperlyConfigured(
            f"{name} must hold whsec_… secrets (whsec_ and the base64 of 24 bytes or more),"
            " separated by spaces."
        )
    return secrets


def secrets(name: str) -> list[str]:
    """Return the space-separated secrets of NAME, the newest first; none may be guessable."""
    found = text(name).split()
    if not found or not all(len(secret) >= 16 for secret in found):
        raise ImproperlyConfigured(
            f"{name} must hold secrets of 16 characters or more, separated by spaces."
        )
    return found


def _is_webhook_secret(secret: str) -> bool:
    prefix, _, encoded = secret.partition("_")
    try:
        return prefix == "whsec" and len(base64.b64decode(encoded, validate=True)) >= 24
    except ValueError:
        return False


def seed(name: str) -> bytes | None:
    """Return the 32 bytes of an Ed25519 private key, given as base64; None where it is unset."""
    value = text(name, "")
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    if value and len(raw) != 32:
        raise ImproperlyConfigured(f"{name} must be the base64 of 32 random bytes.")
    return raw or None


def origin(name: str, default: str) -> str:
    """Return the name that heads of the ledger are signed as, such as pay.example.com/ledger."""
    value = text(name, default)
    if not re.fullmatch(r"[^\s+\x00-\x1f]{1,120}", value):
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be a name without spaces and plus signs,"
            " such as pay.example.com/ledger."
        )
    return value


def verifiers(name: str) -> list[str]:
    """Return the space-separated verifier keys of NAME: name+id+key, as the C2SP note says."""
    keys = text(name, "").split()
    if not all(_is_verifier(key) for key in keys):
        raise ImproperlyConfigured(
            f"{name} must hold verifier keys (name+id+key), separated by spaces."
        )
    return keys


def _is_verifier(key: str) -> bool:
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", key)
    if match is None:
        return False
    raw = base64.b64decode(match[3])
    return raw[:1] == b"\x01" and sha256(f"{match[1]}\n".encode() + raw).hexdigest()[:8] == match[2]


# A database server that vanished without a word is given up after some seconds, not hours.
SILENT_SERVER = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def database(name: str, value: str) -> dict[str, object]:
    """Return Django's connection settings for postgresql://user:password@host:port/database."""
    parts = _split(name, value)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name} is malformed; it must look like postgresql://user:password@host/database."
        )
    port = _port(name, parts)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "nexapay.kernel.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", unquote(parts.hostname or "")),
        "PORT": str(port or ""),
        "OPTIONS": query,
    }


def _port(name: str, parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} names a port that is not from 1 to 65535.") from error


def mail(name: str) -> dict[str, object]:
    """Return Django's EMAIL_ settings for smtp://user:password@host:587?tls=1, or smtps://…."""
    parts = _split(name, text(name))
    chosen = {part for part in parts.query.split("&") if part}
    tls, ssl = "tls=1" in chosen, "ssl=1" in chosen or parts.scheme == "smtps"
    strange = chosen - {"tls=1", "ssl=1"} or parts.path.strip("/") or parts.fragment
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or strange or (tls and ssl):
        raise ImproperlyConfigured(
            f"{name} is malformed; it must look like smtp://user:password@host:587?tls=1."
        )
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": _port(name, parts) or (465 if ssl else 587 if tls else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": tls,
        "EMAIL_USE_SSL": ssl,
        "EMAIL_TIMEOUT": 10,
    }
