"""The role that serves may read and write rows, and take no guard away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from nexapay.kernel import grants
from tests.factories import available, make_wallet, send
from tests.wallet.published import may_sign, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_app() -> Callable[[str], None]:
    """Make the role where the cluster has none, let it serve, and become it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [grants.APP_ROLE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {grants.APP_ROLE}")
    grants.let_the_app_serve()

    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def become_app() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {grants.APP_ROLE}")


@pytest.mark.usefixtures("as_app")
class TestServingRole:
    def test_moves_money(self) -> None:
        become_app()
        ana, ben = make_wallet(balance_minor=1_000), make_wallet()

        send(ana, ben, 250)

        assert (available(ana), available(ben)) == (750, 250)

    def test_publishes_checkpoints(self, settings: Settings, tmp_path: Path) -> None:
        may_sign(settings, tmp_path)
        become_app()
        send(make_wallet(balance_minor=1_000), make_wallet(), 250)

        assert publish().size == 4

    @pytest.mark.parametrize(
        "statement",
        [
            "ALTER TABLE wallet_entry DISABLE TRIGGER USER",
            "DROP TRIGGER entry_judged ON wallet_entry",
            "CREATE TABLE more_entries () INHERITS (wallet_entry)",
            "CREATE RULE quiet AS ON UPDATE TO wallet_balance DO INSTEAD NOTHING",
            "TRUNCATE wallet_entry",
            "ALTER TABLE wallet_checkpoint DISABLE TRIGGER USER",
            "DROP TABLE wallet_ledgercheck CASCADE",
            "SET session_replication_role = replica",
        ],
    )
    def test_takes_no_guard_away(self, statement: str, as_app: Callable[[str], None]) -> None:
        become_app()

        refused = pytest.raises(DatabaseError, match=r"must be owner|permission denied")
        with refused, transaction.atomic():
            as_app(statement)


def test_is_let_in_by_every_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[bool] = []
    monkeypatch.setattr(grants, "let_the_app_serve", lambda: times.append(True))

    call_command("migrate", verbosity=0)

    assert times == [True]
