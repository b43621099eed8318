"""What every test stands on: real PostgreSQL with every migration."""

import tests.cluster  # noqa: F401 - first of all: it starts the database and sets Django up

# isort: split

import gc
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from django.core.management.commands import flush
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import override_settings
from hypothesis import settings
from pytest_django.live_server_helper import LiveServer

from accounts.hashers import Argon2PasswordHasher

# Speed is never judged here: a busy machine would turn honest tests red.
settings.register_profile("nexapay", deadline=None, derandomize=True, database=None)
settings.load_profile("nexapay")

# Each file is one worker's; what takes longest starts first, or it ends while the others idle.
LONGEST = ["browser/test_barriers.py", "run/test_torture.py", "browser/", "run/", "races"]

# Nothing but `migrate`, and what listens to its signals, fills these; doing that takes 0.1 s.
FILLED_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}

# Passwords cost 40 ms each, on purpose. Only a test of what they cost needs them to.
CHEAP = {"time_cost": 1, "memory_cost": 64}
REAL = {name: getattr(Argon2PasswordHasher, name) for name in CHEAP}


def pytest_xdist_auto_num_workers() -> int:
    """Use a third worker on two cores: some tests wait for processes and browsers, not for us."""
    return max(3, os.cpu_count() or 1)


def _turn(item: pytest.Item) -> int:
    """Return when it is the test's turn: a lower number goes first."""
    places = (place for place, name in enumerate(LONGEST) if name in item.path.as_posix())
    return next(places, len(LONGEST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _empty_every_table(self: DatabaseOperations, sql_list: Iterable[str]) -> None:
    """Empty tables without their triggers; for a few rows DELETE is far quicker than TRUNCATE."""
    # All tables: throttles, the cache and jobs are no models of ours, and outlived tests before.
    tables = set(connection.introspection.table_names()) - FILLED_BY_MIGRATE
    deletes = "".join(f"DELETE FROM {self.quote_name(table)};" for table in sorted(tables))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(deletes)


@pytest.fixture(autouse=True, scope="session")
def _emptying_may_touch_history() -> Iterator[None]:
    """Let the test runner empty tables between tests: our triggers refuse that, rightly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", _empty_every_table)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _statics_need_no_manifest() -> Iterator[None]:
    """Let pages name static files before collectstatic has hashed them."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    default = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    storages = {"default": default, "staticfiles": plain}
    with override_settings(STORAGES=storages, WHITENOISE_AUTOREFRESH=True):
        yield


@contextmanager
def _passwords_at(cost: dict[str, int]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cost.items():
            patch.setattr(Argon2PasswordHasher, name, value)
        yield


@pytest.fixture(autouse=True, scope="session")
def _passwords_are_cheap() -> Iterator[None]:
    with _passwords_at(CHEAP):
        yield


@pytest.fixture
def collector() -> Iterator[tuple[int, int, int]]:
    """How often Python looks for garbage by itself; afterwards it does so again."""
    thresholds = gc.get_threshold()
    yield thresholds
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture
def real_passwords(_passwords_are_cheap: None) -> Iterator[None]:
    """Let passwords cost what they cost everybody."""
    with _passwords_at(REAL):
        yield


@pytest.fixture
def live_server(live_server: LiveServer, transactional_db: None) -> Iterator[LiveServer]:
    """
    Serve the site; when the test ends, wait for what it asked.

    An answer arrives before its request has ended, and after the test the database is shut to it.
    The traceback that it prints then is parsed to be underlined, which on Python 3.11 breaks
    whoever else parses at that moment (python/cpython#106905).
    """
    yield live_server
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:  # socketserver names each for its target.
            thread.join(timeout=20)
