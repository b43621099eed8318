"""
The PostgreSQL the suite runs on: a cluster of its own, as superuser, without fsync.

conftest.py imports this module before it imports anything of Django's: being imported starts the
cluster and sets Django up on it, in pytest and in each of its xdist workers. All of them share the
one cluster, each with a database of its own.
"""

import os
import sys
import tempfile
from pathlib import Path

import django

from nexapay import devdb

ROOT = Path(__file__).resolve().parent.parent

# What the settings see; nothing of the caller's environment may change a test's outcome.
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "nexapay.settings",
    "SECRET_KEY": "a-throw-away-key-for-the-test-suite-0123456789-abcdefghijklmnop",
    "DEBUG": "0",
    "HTTPS": "0",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "SITE_URL": "http://testserver",
    "BANK": "simbank",
    "BANK_WEBHOOK_SECRET": "whsec_dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLCByZWFsbHk=",
    "BANK_API_KEY": "a-throw-away-key-for-the-simulated-bank",
    "BANK_API_URL": "http://127.0.0.1:9",  # Nobody listens on the discard port.
}
NOT_OURS = (
    "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
    "CACHE_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DEFAULT_CURRENCY",
    "BANK_WEBHOOK_MODE",
    "CHECKPOINT_KEY",
    "CHECKPOINT_ORIGIN",
    "CHECKPOINT_VERIFIERS",
    "PYTHONDONTWRITEBYTECODE",  # Or each program that a test starts compiles all of ours again.
)


def data_dir() -> Path:
    """Return where the cluster lives: beside the application's, or under /tmp."""
    chosen = os.environ.get("NEXAPAY_DATA_DIR")
    if chosen:
        return Path(chosen).absolute() / "test"
    if os.access(ROOT, os.W_OK):
        return ROOT / ".nexapay" / "test"
    return Path(tempfile.gettempdir()) / f"nexapay-test-{os.getuid()}"


def use() -> None:
    """Start the cluster if need be, hold it while this process lives, and set the environment."""
    url = os.environ.get("TEST_DATABASE_URL") or devdb.superuser_url(data_dir(), durable=False)
    for name in (*ENVIRONMENT, *NOT_OURS):
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ.pop("DATABASE_URL_FILE", None)
    sys.dont_write_bytecode = False
    os.environ.update(ENVIRONMENT, DATABASE_URL=url)
    django.setup()


use()
