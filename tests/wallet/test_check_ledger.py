"""check_ledger agrees with honest books and finds each kind of tampering."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tests.factories import hold, make_wallet, send
from wallet import audit
from wallet.models import LedgerCheck, Wallet

pytestmark = pytest.mark.django_db

PAIR = list[Wallet]


@pytest.fixture
def people() -> PAIR:
    ana, ben = make_wallet(balance_minor=10_000), make_wallet(balance_minor=500)
    send(ana, ben, 300, note="Tea")
    send(ben, ana, 50)
    send(ana, ben, 25)
    hold(ana, 200)
    return [ana, ben]


GUARDS_OFF = """
SET CONSTRAINTS ALL IMMEDIATE;
SET session_replication_role = replica;
ALTER TABLE wallet_entry DROP CONSTRAINT IF EXISTS entry_version_once;
ALTER DOMAIN wallet_available_minor DROP CONSTRAINT IF EXISTS available_not_negative;
ALTER TABLE wallet_wallet DROP CONSTRAINT IF EXISTS wallet_only_settlement_keeps_no_balance;
ALTER TABLE onramp_onramptransaction DROP CONSTRAINT IF EXISTS onramp_status_fits_its_facts;
"""


@contextmanager
def every_guard_off() -> Iterator[None]:
    """Do what somebody with the keys of the database could do."""
    with connection.cursor() as cursor:
        cursor.execute(GUARDS_OFF)
        yield
        cursor.execute("SET session_replication_role = origin")


def tamper(statement: str, *parameters: Any) -> None:
    with every_guard_off(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount > 0, "the tampering must have changed something"


def problems() -> str:
    return "\n".join(map(str, audit.run(clock=timezone.now).findings))


@pytest.mark.usefixtures("people")
class TestCheckLedger:
    def test_agrees_with_honest_books_and_counts_them(self) -> None:
        report = audit.run(clock=timezone.now)

        assert report.ok
        assert (report.wallets, report.transfers, report.entries) == (3, 6, 11)

    def test_agrees_with_empty_wallets(self) -> None:
        make_wallet()

        assert problems() == ""

    def test_keeps_a_row_of_each_run(self) -> None:
        audit.run(clock=timezone.now)

        assert LedgerCheck.objects.get().ok

    def test_reports_progress_for_each_rule(self) -> None:
        lines: list[str] = []

        audit.run(clock=timezone.now, progress=lines.append)

        assert lines[0].startswith("1/")
        assert len(lines) >= 5


@pytest.mark.usefixtures("people")
class TestTampering:
    @pytest.mark.parametrize(
        ("statement", "problem"),
        [
            ("UPDATE wallet_balance SET available_minor = available_minor + 1", "its entries say"),
            ("UPDATE wallet_balance SET locked_minor = 7", "its entries say"),
            ("UPDATE wallet_balance SET version = version + 1", "its balance is at version"),
            ("UPDATE wallet_balance SET head_hash = sha256('x')", "hash of its newest entry"),
            ("UPDATE wallet_balance SET happened_at = now()", "the time of its newest entry"),
            ("DELETE FROM wallet_balance", "has no balance"),
            (
                "UPDATE wallet_transfer SET amount_minor = amount_minor + 1",
                "does not move its transfer's amount",
            ),
            ("UPDATE wallet_transfer SET note = 'Rent' WHERE note = 'Tea'", "details were changed"),
            ("UPDATE wallet_transfer SET actor_id = NULL", "details were changed"),
            ("UPDATE wallet_transfer SET kind = 'onramp'", "from a person in its name"),
            ("UPDATE wallet_transfer SET kind = 'send'", "from a bank without its word"),
            ("UPDATE wallet_wallet SET kind = 'fees', owner_id = NULL", "only a bank's side may"),
            ("UPDATE wallet_balance SET available_minor = -1", "holds less than nothing"),
            ("UPDATE wallet_transfer SET posted_at = posted_at - interval '1 day'", "its times"),
            ("UPDATE wallet_transfer SET happened_at = now() + interval '1 day'", "its times"),
            (
                "UPDATE wallet_entry SET delta_available_minor = delta_available_minor + 1",
                "its hash",
            ),
            (
                "UPDATE wallet_entry SET available_after_minor = 999999 WHERE version = 1",
                "does not start where",
            ),
            ("UPDATE wallet_entry SET hash = sha256('x') WHERE version = 1", "its hash does not"),
            ("UPDATE wallet_entry SET prev_hash = sha256('x') WHERE version = 2", "name the hash"),
            ("UPDATE wallet_entry SET version = version + 5 WHERE version = 2", "follows no entry"),
            ("UPDATE wallet_entry SET version = 3 WHERE version = 4", "entries up to version"),
            ("UPDATE wallet_entry SET version = NULL WHERE version = 2", "where its wallet keeps"),
            (
                "UPDATE wallet_entry SET created_at = created_at - interval '1 s'",
                "its hash does not",
            ),
            ("UPDATE wallet_entry SET happened_at = happened_at - interval '1 s'", "its hash does"),
            ("UPDATE wallet_entry SET currency = 'EUR' WHERE version = 1", "another currency"),
            ("DELETE FROM wallet_entry WHERE version = 1", "instead of 2"),
            ("DELETE FROM wallet_entry WHERE version = 4", "its newest entry at 3"),
            ("DELETE FROM wallet_entry WHERE version IS NULL", "the books sum to"),
            ("DELETE FROM wallet_transfer", "belongs to no transfer"),
            ("UPDATE wallet_transfer SET kind = 'payout'", "to a bank that paid nothing out"),
            ("UPDATE wallet_transfer SET kind = 'correction'", "neither a bank nor suspense"),
            ("UPDATE wallet_transfer SET kind = 'send' WHERE kind = 'hold'", "moves inside a wall"),
            ("UPDATE wallet_transfer SET kind = 'release' WHERE kind = 'hold'", "locks or unlocks"),
            ("UPDATE wallet_transfer SET kind = 'gift'", "is of a kind that nobody knows"),
            ("UPDATE wallet_transfer SET happened_at = 'infinity'", "happened in no year of ours"),
            ("UPDATE wallet_transfer SET happened_at = '0044-03-15 BC'", "happened in no year of"),
            (
                "UPDATE wallet_entry SET locked_before_minor = NULL WHERE version = 1",
                "only some of",
            ),
            (
                "DELETE FROM wallet_entry WHERE delta_locked_minor <> 0",
                "has 0 entries instead of 1",
            ),
            ("DELETE FROM wallet_hold", "has 200 locked, its open holds set aside 0"),
            ("DELETE FROM wallet_hold", "set money aside that no hold knows of"),
            ("UPDATE wallet_hold SET amount_minor = 201", "open holds set aside 201"),
            ("UPDATE wallet_hold SET amount_minor = 201", "was not set aside by its transfer"),
            (
                "UPDATE wallet_hold SET released_minor = 1",
                "captured 0 and released 1, its transfers",
            ),
            ("UPDATE onramp_onramptransaction SET amount_minor = 1", "with other terms"),
            ("UPDATE onramp_onramptransaction SET transfer_id = NULL", "without a credit"),
            ("UPDATE onramp_onramptransaction SET transfer_id = NULL", "no on-ramp asked for"),
            ("UPDATE onramp_onramptransaction SET status = 'failure'", "although it is failure"),
        ],
    )
    def test_is_found(self, statement: str, problem: str) -> None:
        tamper(statement)

        assert problem in problems()

    def test_is_found_when_a_transfer_and_its_entries_are_all_gone(self, people: PAIR) -> None:
        tamper("DELETE FROM wallet_entry WHERE transfer_id = (SELECT max(id) FROM wallet_transfer)")
        tamper("DELETE FROM wallet_transfer WHERE id = (SELECT max(id) FROM wallet_transfer)")

        assert "its balance is at version" in problems()

    def test_is_found_when_money_is_made_on_both_sides_of_a_new_transfer(self) -> None:
        tamper(
            "INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,"
            " delta_locked_minor, prev_hash, hash, happened_at, created_at)"
            " SELECT t.id, w.id, 'INR', 5, 0, sha256('a'), sha256('b'), now(), now()"
            " FROM wallet_transfer t, wallet_wallet w"
            " WHERE w.kind = 'settlement' AND t.kind = 'send'"
        )

        assert "has 3 entries instead of 2" in problems()


@pytest.mark.usefixtures("people")
class TestCommand:
    def test_answers_in_json(self) -> None:
        out = StringIO()

        call_command("check_ledger", "--json", stdout=out, stderr=StringIO())

        answer = json.loads(out.getvalue())
        expected = {"ok": True, "wallets": 3, "transfers": 6, "entries": 11, "findings": []}
        assert answer == expected

    def test_exits_1_with_a_line_for_each_finding(self) -> None:
        tamper("UPDATE wallet_balance SET available_minor = available_minor + 1")
        out = StringIO()

        with pytest.raises(CommandError) as refusal:
            call_command("check_ledger", stdout=out, stderr=StringIO())

        assert refusal.value.returncode == 1
        assert sum("its entries say" in line for line in out.getvalue().splitlines()) == 2
