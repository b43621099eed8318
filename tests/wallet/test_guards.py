"""
What the database refuses by itself, straight in SQL, from a role that may write but owns nothing.

Every attack names the guards that refuse it. Each of them is proved by taking the others away, and
all of them by taking them all away: then the attack goes through. So no test here can pass idly.
"""

from collections.abc import Sequence

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction

from tests.wallet import attacks
from tests.wallet.forge import Act, pay, sql, write_hold
from tests.wallet.guards import (
    CASES,
    Attack,
    Clause,
    Constraint,
    Domain,
    Guard,
    Trigger,
    World,
    attempt,
    prove,
    rolled_back,
    rules,
    without,
)
from wallet.models import Balance, Wallet

pytestmark = pytest.mark.django_db

assert attacks.__all__, "importing the attacks collects them"

# Constraints that other guards stand on, or that Django checks at COMMIT.
_UNDER_OTHERS = {"wallet_currency_key", "wallet_wallet_public_id_key"}
_TABLES = (
    "('wallet_wallet', 'wallet_balance', 'wallet_transfer', 'wallet_entry',"
    " 'wallet_hold', 'wallet_leaf', 'wallet_node', 'wallet_checkpoint')"
)


@pytest.mark.parametrize(("attack", "guards"), CASES)
def test_is_refused(attack: Attack, guards: Sequence[Guard], world: World) -> None:
    prove(attack, guards, world)


class TestHonestPosting:
    """The same forge, used honestly, goes through: so it is the spoiling that is refused."""

    def test_is_accepted(self, world: World) -> None:
        with rolled_back():
            attempt(lambda world: pay(world.ana, world.ben, 100).write(), world)

    @pytest.mark.parametrize(
        "kinds", [("balance", "entry", "transfer"), ("entry", "balance", "transfer")]
    )
    def test_is_accepted_with_its_parts_in_any_order(
        self, kinds: tuple[str, ...], world: World
    ) -> None:
        with rolled_back():
            attempt(lambda world: pay(world.ana, world.ben, 100).write(*kinds), world)

    def test_is_accepted_with_many_transfers_of_the_same_wallets(self, world: World) -> None:
        def pay_back_and_forth(world: World) -> None:
            act = Act()
            for _ in range(3):
                act.pay(world.ana, world.ben, 100).pay(world.ben, world.ana, 50)
            act.write()

        with rolled_back():
            attempt(pay_back_and_forth, world)

    def test_is_accepted_when_it_sets_aside_captures_and_releases(self, world: World) -> None:
        def hold_and_end(world: World) -> None:
            write_hold(Act().hold(world.ana, 100))
            Act().hold(world.dan, -50).pay_out(world.dan, world.bank, 150).write()
            sql(
                "UPDATE wallet_hold SET captured_minor = 150, released_minor = 50,"
                " status = 'closed', closed_at = now() WHERE id = %s",
                world.hold_id,
            )

        with without(()):
            attempt(hold_and_end, world)

    def test_is_accepted_when_it_corrects_in_either_direction(self, world: World) -> None:
        def correct(world: World) -> None:
            Act().pay(world.ana, world.bank, 5, kind="correction").write()
            Act().pay(world.bank, world.ana, 5, kind="correction").write()
            Act().pay(world.ana, suspense, 5, kind="correction").write()
            Act().pay(suspense, world.ana, 5, kind="correction").write()

        with rolled_back():
            suspense = Wallet.objects.create(kind="suspense", name="Unclear", currency="INR")
            Balance.objects.create(wallet=suspense)
            attempt(correct, world)

    def test_is_accepted_when_a_bank_returns_what_it_paid_out(self, world: World) -> None:
        with rolled_back():
            attempt(lambda world: pay(world.bank, world.ana, 5, kind="return").write(), world)


class TestGuards:
    """Whoever adds a guard adds an attack on it."""

    def test_every_rule_of_the_judges_is_attacked(self, world: World) -> None:
        attacked = [guard.text for guard in guards_attacked() if isinstance(guard, Clause)]

        starts = [text.splitlines()[0] for text in attacked]
        assert [rule for rule in rules() if not rule.startswith(tuple(starts))] == []

    def test_every_trigger_is_attacked(self, world: World) -> None:
        found = sql(
            "SELECT tgname FROM pg_trigger WHERE tgfoid::regproc::text ~ '^wallet_'"
            " AND tgname <> 'transfer_told'"  # It refuses nothing: it tells people.
            f" AND tgrelid::regclass::text IN {_TABLES}"
        )

        attacked = {guard.name for guard in guards_attacked() if isinstance(guard, Trigger)}
        assert {name for (name,) in found} - attacked == set()

    def test_every_constraint_is_attacked(self, world: World) -> None:
        found = sql(
            "SELECT conname FROM pg_constraint"
            " WHERE contype IN ('c', 'u', 'f') AND NOT condeferrable"
            f" AND conrelid::regclass::text IN {_TABLES}"
            " UNION SELECT indexrelid::regclass::text FROM pg_index"
            f" WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text IN {_TABLES}"
        )

        attacked = {guard.name for guard in guards_attacked() if isinstance(guard, Constraint)}
        starts = tuple(name.rstrip("%") for name in attacked)
        missing = {name for (name,) in found if not name.startswith(starts)}
        assert missing - _UNDER_OTHERS == set()

    def test_every_domain_is_attacked(self, world: World) -> None:
        found = sql(
            "SELECT conname FROM pg_constraint"
            " WHERE contypid IN (SELECT oid FROM pg_type WHERE typname ~ '^wallet_')"
        )

        attacked = {guard.constraint for guard in guards_attacked() if isinstance(guard, Domain)}
        assert {name for (name,) in found} == attacked


class TestMigrations:
    def test_go_back_and_forward_again(self, world: World) -> None:
        with without(()):
            sql("SET CONSTRAINTS ALL IMMEDIATE")
            call_command("migrate", "wallet", "0015", verbosity=0)
            call_command("migrate", "wallet", verbosity=0)
            attempt(lambda world: pay(world.ana, world.ben, 100).write(), world)


class TestTheStranger:
    """What the guards rely on: whoever may write rows cannot take the guards away."""

    @pytest.mark.parametrize(
        "statement",
        [
            "SET session_replication_role = replica",
            "ALTER TABLE wallet_entry DISABLE TRIGGER ALL",
            "DROP TRIGGER entry_judged ON wallet_entry",
            "ALTER DOMAIN wallet_amount_minor DROP CONSTRAINT amount_positive",
            "CREATE TABLE more_entries () INHERITS (wallet_entry)",
            "CREATE RULE quiet AS ON INSERT TO wallet_entry DO INSTEAD NOTHING",
            "ALTER FUNCTION wallet_judge_entries RESET search_path",
            "CREATE OR REPLACE FUNCTION wallet_judge_entries() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NULL; END $$",
            "CREATE TRIGGER mine BEFORE INSERT ON wallet_entry FOR EACH ROW"
            " EXECUTE FUNCTION wallet_refuse('no')",
        ],
    )
    def test_may_not(self, statement: str, world: World) -> None:
        with (
            rolled_back(),
            pytest.raises(DatabaseError, match=r"must be owner|permission denied"),
            transaction.atomic(),
        ):
            attempt(lambda world: void(statement), world)


def guards_attacked() -> list[Guard]:
    return [guard for case in CASES for guard in case.values[1]]


def void(statement: str) -> None:
    sql(statement)
