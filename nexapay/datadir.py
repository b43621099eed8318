"""
The data directory, the secrets that are generated into it, and the environment built from both.

Whatever the caller's environment names wins; NAME_FILE counts as naming NAME.
"""

import base64
import importlib
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from nexapay.progress import Refusal

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000

Environment = dict[str, str]


def is_given(environment: Mapping[str, str], name: str) -> bool:
    """Tell whether the caller decided about a variable, directly or through a file."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def data_dir(environment: Mapping[str, str]) -> Path:
    """Return NEXAPAY_DATA_DIR, made if it is missing and closed to others."""
    path = Path(os.path.abspath(environment.get("NEXAPAY_DATA_DIR") or ROOT / ".nexapay"))
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"NEXAPAY_DATA_DIR: {path} cannot be made: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Refusal(f"NEXAPAY_DATA_DIR: {path} is not writable for you.")
    return path


def port(environment: Mapping[str, str], option: str | None = None) -> int:
    """Return the port to serve on: the option, or PORT, or 8000. As option 0 is any free one."""
    name, text = ("--port", option) if option is not None else ("PORT", environment.get("PORT"))
    return _whole_number(name, text or str(DEFAULT_PORT), int(option is None), 65535)


def check_numbers(environment: Mapping[str, str]) -> None:
    """Refuse a malformed number that only a child would stumble over."""
    _whole_number("WEB_CONCURRENCY", environment.get("WEB_CONCURRENCY") or "2", 1, 64)


def check_settings(environment: Mapping[str, str]) -> None:
    """Read the settings as every child will, before there is any, and refuse what they refuse."""
    os.environ.clear()
    os.environ.update(environment)
    try:
        importlib.import_module("nexapay.settings")
    except (ImproperlyConfigured, ValueError) as error:
        raise Refusal(str(error)) from error


def _whole_number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise Refusal(f"{name} must be a whole number from {least} to {most}; it is {text!r}.")
    return int(text)


def _signing_secret() -> str:
    """Return a Standard Webhooks secret: whsec_ and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


GENERATED: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "BANK_WEBHOOK_SECRET": _signing_secret,
    "BANK_API_KEY": lambda: secrets.token_urlsafe(32),
    "CHECKPOINT_KEY": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def secret(folder: Path, name: str) -> str:
    """Return a secret that is generated once. Of several first starts at once, one decides."""
    path = folder / "secrets" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write_once(path, GENERATED[name]())
    value = path.read_text().strip()
    if not value:
        raise Refusal(f"{name}: {path} is empty; remove it and a new one is made.")
    return value


def _write_once(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all, and never over another."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with open(descriptor, "w") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def bank_port(folder: Path) -> int:
    """Return the simulated bank's port: the same as last time while that is free."""
    kept = folder / "bank-port"
    with suppress(OSError, ValueError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int(kept.read_text())))
        return int(kept.read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen = int(probe.getsockname()[1])
    kept.write_text(f"{chosen}\n")
    return chosen


def last_bank_port(folder: Path) -> int:
    """Return the port of the simulated bank that runs or ran here, for a management command."""
    with suppress(OSError, ValueError):
        return int((folder / "bank-port").read_text())
    return bank_port(folder)


def environment(
    given: Mapping[str, str], folder: Path, *, database_url: str, site_port: int, bank: int
) -> Environment:
    """Return what every process of ours is started with."""
    ours = {name: secret(folder, name) for name in GENERATED if not is_given(given, name)}
    ours["DATABASE_URL"] = database_url
    ours["DEBUG"] = ours["HTTPS"] = "0"
    ours["ALLOWED_HOSTS"] = "127.0.0.1,localhost,[::1]"
    ours["BANK_API_URL"] = f"http://127.0.0.1:{bank}"
    ours["SITE_URL"] = f"http://127.0.0.1:{site_port}"
    ours["EMAIL_URL"] = "console:"
    ours["STATIC_ROOT"] = str(folder / "staticfiles")
    chosen = {name: value for name, value in ours.items() if not is_given(given, name)}
    fixed = {
        "NEXAPAY_DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "nexapay.settings",
        "PORT": str(site_port),
        "PYTHONUNBUFFERED": "1",  # Progress is shown when it is made, even into a pipe.
    }
    kept = {name: value for name, value in given.items() if value}  # Empty is as good as unset.
    return {**kept, **chosen, **fixed}
