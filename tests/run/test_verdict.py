"""The verdict of the torture: each of its rules can fail, and nothing honest offends any."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest

from bench.torture import proof
from bench.torture.proof import RULES, Books, Case, Rule, Sent
from bench.torture.records import Act, Outcome, Records
from tests.factories import fund, make_wallet, send
from tests.run.acts import a_send, done
from tests.wallet.forge import sql
from tests.wallet.rules import NOT_NEGATIVE
from wallet.models import Wallet


@dataclass
class World:
    """One credit, one payment of it, and what their clients noted."""

    ana: Wallet
    ben: Wallet
    known: Records
    credit: Act
    payment: Act

    def verdict(self) -> list[str]:
        return proof.verdict(self.known.acts.values(), proof.read_books())

    def case(self) -> Case:
        return Case(self.known.acts.values(), proof.read_books())


@pytest.fixture
def world(db: None) -> World:
    known = Records()
    ana, ben = make_wallet(handle="ana"), make_wallet(handle="ben")
    credit = done(known, known.new_credit("ana", 5_000), Outcome.ACKED)
    fund(ana, credit.amount_minor)
    payment = a_send(known, Outcome.UNKNOWN)
    sent = send(ana, ben, 250, key=UUID(payment.key), note=payment.note)
    done(known, payment, Outcome.ACKED, receipt=str(sent.public_id))
    return World(ana, ben, known, credit, payment)


def guards_off() -> None:
    """Let the rest of this test write what the database would refuse."""
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET LOCAL session_replication_role = replica")


class TestTheVerdict:
    def test_is_empty_when_all_is_well(self, world: World) -> None:
        a_send(world.known, Outcome.REFUSED)
        world.known.new_credit("ben")  # Asked for, and never approved.

        assert world.verdict() == []

    def test_sees_an_acknowledged_payment_that_is_gone(self, world: World) -> None:
        lost = a_send(world.known, Outcome.ACKED)

        assert f"send {lost.key} was acknowledged and is there 0 times" in world.verdict()

    def test_sees_a_payment_gone_with_its_entries_though_the_books_agree(
        self, world: World
    ) -> None:
        guards_off()
        for table in ("wallet_entry", "wallet_transfer"):
            column = "transfer_id" if table == "wallet_entry" else "id"
            sql(
                f"DELETE FROM {table} WHERE {column} IN"
                " (SELECT id FROM wallet_transfer WHERE kind = 'send')"
            )
        sql(
            "UPDATE wallet_balance b SET (available_minor, version, head_hash, happened_at) ="
            " (SELECT e.available_after_minor, e.version, e.hash, e.happened_at"
            "  FROM wallet_entry e WHERE e.wallet_id = b.wallet_id)"
            " WHERE wallet_id = %s",
            world.ana.pk,
        )
        sql(
            "UPDATE wallet_balance SET available_minor = 0, version = 0,"
            " head_hash = decode(repeat('00', 32), 'hex'), happened_at = NULL"
            " WHERE wallet_id = %s",
            world.ben.pk,
        )

        assert proof.read_books().findings == []
        assert f"send {world.payment.key} was acknowledged and is there 0 times" in world.verdict()

    def test_sees_a_payment_that_went_out_under_two_keys(self, world: World) -> None:
        send(world.ana, world.ben, 250, note=world.payment.note)

        assert f"send {world.payment.key} was acknowledged and is there 2 times" in world.verdict()

    def test_sees_a_credit_that_came_twice(self, world: World) -> None:
        fund(world.ana, world.credit.amount_minor)

        assert f"credit {world.credit.key} came 2 times instead of 1" in world.verdict()

    def test_sees_a_confirmed_credit_that_never_came(self, world: World) -> None:
        lost = done(world.known, world.known.new_credit("ben"), Outcome.ACKED)

        assert f"credit {lost.key} came 0 times instead of 1" in world.verdict()

    def test_sees_a_credit_that_only_liars_asked_for(self, world: World) -> None:
        forged = world.known.new_credit("ben", due=False)
        fund(world.ben, done(world.known, forged, Outcome.REFUSED).amount_minor)

        assert f"credit {forged.key} came 1 times instead of 0" in world.verdict()

    def test_sees_a_balance_that_was_changed(self, world: World) -> None:
        guards_off()
        sql("UPDATE wallet_balance SET available_minor = 7 WHERE wallet_id = %s", world.ben.pk)

        found = world.verdict()

        assert "ben holds 7, the entries sum to 250" in found
        assert "ben holds 7, by the clients' records 250" in found
        assert any(sentence.startswith("people hold ") for sentence in found)

    def test_sees_less_than_nothing(self, world: World) -> None:
        guards_off()
        NOT_NEGATIVE.remove()
        sql("UPDATE wallet_balance SET available_minor = -7 WHERE wallet_id = %s", world.ben.pk)

        assert "ben holds -7" in world.verdict()

    def test_sees_a_broken_chain(self, world: World) -> None:
        guards_off()
        sql("UPDATE wallet_entry SET hash = prev_hash WHERE wallet_id = %s", world.ben.pk)

        assert any("its hash does not match what it says" in found for found in world.verdict())


Doctor = Callable[[World], Case]
DOCTORED: list[tuple[Rule, Doctor]] = []


def breaks(rule: Rule) -> Callable[[Doctor], Doctor]:
    """Collect a case that breaks a rule."""

    def collect(doctor: Doctor) -> Doctor:
        DOCTORED.append((rule, doctor))
        return doctor

    return collect


def with_books(world: World, **changes: object) -> Case:
    """Return the world's case, with another word of the database's."""
    return replace(world.case(), books=replace(world.case().books, **changes))  # type: ignore[arg-type]


def the_row(world: World) -> Sent:
    [row] = proof.read_books().sent
    return row


@breaks(proof.nothing_is_left_in_doubt)
def no_answer(world: World) -> Case:
    a_send(world.known, Outcome.UNKNOWN)
    return world.case()


@breaks(proof.nothing_is_left_in_doubt)
def a_try_that_never_ended(world: World) -> Case:
    a_send(world.known).tries += 1
    return world.case()


@breaks(proof.what_was_acknowledged_is_there_once)
def acknowledged_and_gone(world: World) -> Case:
    return with_books(world, sent=[])


@breaks(proof.what_is_there_is_what_was_asked)
def another_amount(world: World) -> Case:
    return with_books(world, sent=[replace(the_row(world), amount_minor=1)])


@breaks(proof.what_is_there_is_what_was_asked)
def another_payee(world: World) -> Case:
    return with_books(world, sent=[replace(the_row(world), payee="cem")])


@breaks(proof.what_is_there_is_what_was_asked)
def another_payer(world: World) -> Case:
    return with_books(world, sent=[replace(the_row(world), payer="cem")])


@breaks(proof.what_is_there_is_what_was_asked)
def another_key(world: World) -> Case:
    return with_books(world, sent=[replace(the_row(world), key=str(uuid4()))])


@breaks(proof.what_is_there_is_what_was_asked)
def two_receipts_for_one_payment(world: World) -> Case:
    done(world.known, world.payment, Outcome.ACKED, receipt=str(uuid4()))
    return world.case()


@breaks(proof.what_was_refused_is_not_there)
def refused_and_there(world: World) -> Case:
    act = a_send(world.known, Outcome.REFUSED)
    return with_books(world, sent=[replace(the_row(world), note=act.note)])


@breaks(proof.what_was_refused_is_not_there)
def refused_at_last_and_there(world: World) -> Case:
    act = a_send(world.known, Outcome.UNKNOWN)
    world.known.settle(act, Outcome.REFUSED)
    return with_books(world, sent=[replace(the_row(world), note=act.note)])


@breaks(proof.what_is_in_doubt_is_there_at_most_once)
def in_doubt_and_there_twice(world: World) -> Case:
    act = a_send(world.known, Outcome.UNKNOWN)
    return with_books(world, sent=[replace(the_row(world), note=act.note)] * 2)


@breaks(proof.what_is_there_was_asked_for)
def a_payment_of_nobody(world: World) -> Case:
    return with_books(world, sent=[replace(the_row(world), note="")])


@breaks(proof.what_is_there_was_asked_for)
def a_credit_of_nobody(world: World) -> Case:
    return with_books(world, credited=Counter({("ben", 1): 1}))


@breaks(proof.credits_came_once_or_not_at_all)
def a_credit_twice(world: World) -> Case:
    return with_books(world, credited=Counter({("ana", world.credit.amount_minor): 2}))


@breaks(proof.credits_came_once_or_not_at_all)
def a_credit_in_doubt_twice(world: World) -> Case:
    act = done(world.known, world.known.new_credit("ben"), Outcome.UNKNOWN)
    return with_books(world, credited=Counter({("ben", act.amount_minor): 2}))


@breaks(proof.credits_came_once_or_not_at_all)
def a_lie_without_an_answer_that_was_believed(world: World) -> Case:
    act = done(world.known, world.known.new_credit("ben", due=False), Outcome.UNKNOWN)
    return with_books(world, credited=Counter({("ben", act.amount_minor): 1}))


@breaks(proof.nobody_holds_less_than_nothing)
def less_than_nothing(world: World) -> Case:
    return with_books(world, balances={"ana": -1})


@breaks(proof.balances_equal_their_entries)
def entries_that_sum_to_less(world: World) -> Case:
    return with_books(world, entries={})


@breaks(proof.balances_equal_what_the_clients_did)
def another_balance(world: World) -> Case:
    return with_books(world, balances={"ana": 1}, entries={"ana": 1})


@breaks(proof.the_sum_is_conserved)
def more_than_the_banks_brought_in(world: World) -> Case:
    return with_books(world, settlement_minor=0)


@breaks(proof.the_sum_is_conserved)
def less_than_the_clients_added(world: World) -> Case:
    done(world.known, world.known.new_credit("ben"), Outcome.ACKED)
    return world.case()


@breaks(proof.the_books_agree)
def a_finding_of_check_ledger(world: World) -> Case:
    return with_books(world, findings=["wallet 1: holds less than nothing"])


class TestEachRule:
    @pytest.mark.parametrize(("rule", "doctor"), DOCTORED, ids=lambda x: x.__name__)
    def test_can_fail(self, world: World, rule: Rule, doctor: Doctor) -> None:
        assert list(rule(world.case())) == []

        assert list(rule(doctor(world))) != []

    def test_is_among_those(self) -> None:
        assert {rule for rule, _ in DOCTORED} == set(RULES)


def test_books_are_empty_without_acts(db: None) -> None:
    assert proof.read_books() == Books()
