"""What every test stands on: real PostgreSQL with every migration."""

import tests.cluster  # noqa: F401 - first of all: it starts the database and sets Django up

# isort: split

from collections.abc import Iterable, Iterator

import pytest
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import override_settings
from hypothesis import settings

# Speed is never judged here: a busy machine would turn honest tests red.
settings.register_profile("nexapay", deadline=None, derandomize=True, database=None)
settings.load_profile("nexapay")

_flush = DatabaseOperations.execute_sql_flush


def _flush_as_replica(self: DatabaseOperations, sql_list: Iterable[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        _flush(self, sql_list)


@pytest.fixture(autouse=True, scope="session")
def _emptying_may_touch_history() -> Iterator[None]:
    """Let the test runner empty tables between tests: our triggers refuse TRUNCATE, rightly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", _flush_as_replica)
        yield


@pytest.fixture(autouse=True, scope="session")
def _statics_need_no_manifest() -> Iterator[None]:
    """Let pages name static files before collectstatic has hashed them."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    default = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    storages = {"default": default, "staticfiles": plain}
    with override_settings(STORAGES=storages, WHITENOISE_AUTOREFRESH=True):
        yield
