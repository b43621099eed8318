"""
Whatever people, banks and staff do, in whatever order: the books agree with a model of ten lines.

The model is a dict of what each has. Every act is asked of both; both must give the same answer.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as configured
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.factories import capture, hold, make_wallet, release, send
from tests.wallet.model import HOUSE, PEOPLE, START_MINOR, Books, Terms
from tests.wallet.support import bank, findings, movement, post, without_onramps
from wallet import services
from wallet.journal import Movement
from wallet.models import Balance, Entry, Transfer, Wallet

pytestmark = pytest.mark.django_db

PERSON = st.integers(0, PEOPLE - 1)
HOP = st.sampled_from([1, 2, 3, 1, 2, 3, 0])  # To whom: so many seats on; 0 is oneself.
# Few keys, so that they come again; few notes, so that the same key may come with the same ones.
KEY = st.integers(0, 25).map(lambda number: UUID(int=number))
NOTE = st.sampled_from(["", "Tea", "🫖|\n"])
PAID = st.integers(1, 300)
ODD = st.sampled_from([0, -1, 10**30, configured.TRANSFER_MAX_MINOR + 1])
STATUS = st.sampled_from([Wallet.Status.ACTIVE] * 6 + list(Wallet.Status))
HOURS = st.sampled_from([0, 1, 2, 3])  # 0: until somebody ends it.
MOVE = st.tuples(st.integers(HOUSE, PEOPLE - 1), HOP, st.integers(1, 40))
BATCH = st.lists(MOVE, min_size=1, max_size=50)


class MoneyMachine(RuleBasedStateMachine):
    """Acts on the real wallet and on the model. Each run is rolled back to where it began."""

    people: list[Wallet]

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.serial = iter(range(1_000, 10**9))
        self.last: Any = None
        self.began = timezone.now()
        self.block = transaction.atomic()
        # As Django's own TestCase does: send_money insists on being the outermost transaction.
        self.block._from_testcase = True  # type: ignore[attr-defined]
        self.block.__enter__()

    def teardown(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # As COMMIT would.
        found = findings()
        # Across all wallets, the bank's too: what is locked is some hold's, and all sums to zero.
        total = Sum(F("delta_available_minor") + F("delta_locked_minor"))
        sums = Entry.objects.aggregate(total=total)
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        assert found == []
        assert sums == {"total": 0}

    @rule(payer=PERSON, hop=HOP, amount_minor=PAID | PAID | ODD, note=NOTE, key=KEY)
    def somebody_sends(self, payer: int, hop: int, amount_minor: int, note: str, key: UUID) -> None:
        terms = Terms(payer, (payer + hop) % PEOPLE, amount_minor, note)
        self.last = terms, key
        source, target = self.people[terms.payer], self.people[terms.payee]
        self.both(
            lambda: send(source, target, amount_minor, key=key, note=note),
            self.books.refusal(terms, key),
            terms,
            key,
        )

    @precondition(lambda self: self.last)
    @rule(note=NOTE)
    def somebody_sends_the_last_one_again(self, note: str) -> None:
        """A double click; or the same key with another note."""
        terms, key = self.last
        self.somebody_sends(terms.payer, terms.payee - terms.payer, terms.amount_minor, note, key)

    @rule(payer=PERSON, hop=HOP, key=KEY, more_minor=st.integers(0, 1))
    def somebody_sends_all_there_is(self, payer: int, hop: int, key: UUID, more_minor: int) -> None:
        """Or a little more."""
        self.somebody_sends(payer, hop, self.books.held[payer] + more_minor, "", key)

    @rule(payee=PERSON, amount_minor=st.integers(1, 3), key=KEY)
    def a_bank_credits(self, payee: int, amount_minor: int, key: UUID) -> None:
        terms = Terms(HOUSE, payee, amount_minor, "")
        earlier = self.books.keys.get((HOUSE, key), terms)
        refused = services.AlreadyUsed if earlier != terms else None
        self.both(lambda: credit(self.people[payee], amount_minor, key), refused, terms, key)

    @rule(person=PERSON, amount_minor=PAID | PAID | ODD, hours=HOURS)
    def somebody_sets_money_aside(self, person: int, amount_minor: int, hours: int) -> None:
        """Until some hours after the beginning of the test, or for ever."""
        wallet, last = self.people[person], self.began + timedelta(hours=hours)
        refusal = self.books.hold_refusal(person, amount_minor)
        if refusal:
            with pytest.raises(refusal):
                hold(wallet, amount_minor)
        else:
            held = hold(wallet, amount_minor, expires_at=last if hours else None)
            self.books.held[person] -= amount_minor
            self.books.on_hold[held] = person, amount_minor

    @precondition(lambda self: self.books.on_hold)
    @rule(which=st.integers(0, 9), part=st.integers(1, 300), back=st.booleans())
    def a_part_of_a_hold_ends(self, which: int, part: int, *, back: bool) -> None:
        """All that remains of it, where the part is larger than that."""
        held = list(self.books.on_hold)[which % len(self.books.on_hold)]
        remains = self.books.on_hold[held][1]
        with pytest.raises(services.HoldSpent):
            (release if back else capture)(held, remains + 1)
        minor = min(part, remains)
        (release if back else capture)(held, None if minor == remains else minor)
        self.books.take(held, minor, back=back)

    @rule(hours=st.integers(0, 4))
    def the_time_of_holds_is_over(self, hours: int) -> None:
        now = self.began + timedelta(hours=hours)
        over = [h for h in self.books.on_hold if h.expires_at and h.expires_at <= now]

        assert services.expire_holds(now=now) == len(over)

        for held in over:
            self.books.take(held, self.books.on_hold[held][1], back=True)

    @rule(person=PERSON, status=STATUS)
    def staff_freeze_or_thaw(self, person: int, status: Wallet.Status) -> None:
        services.set_status(wallet_id=self.people[person].pk, status=status)
        self.books.status[person] = status

    @rule(moves=BATCH, twice=st.sampled_from([False, False, True]))
    def a_batch_is_posted(self, moves: list[tuple[int, int, int]], *, twice: bool) -> None:
        """All of it or nothing: the database refuses it whole if any wallet dips below zero."""
        acts = [(self.terms(*move), UUID(int=next(self.serial))) for move in moves]
        acts += acts[:1] if twice else []
        after = self.books.after(acts)
        movements = [self.movement(terms, key) for terms, key in acts]
        if after is None:
            with pytest.raises(IntegrityError), transaction.atomic():
                post(*movements)
        else:
            post(*movements)
            self.books = after

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        held = Balance.objects.filter(wallet__in=self.people).order_by("wallet_id")
        model = [(minor, self.books.locked(who)) for who, minor in enumerate(self.books.held)]
        assert list(held.values_list("available_minor", "locked_minor")) == model
        assert all(available >= 0 and locked >= 0 for available, locked in model)

    def both(
        self,
        act: Callable[[], Transfer],
        refusal: type[Exception] | None,
        terms: Terms,
        key: UUID,
    ) -> None:
        """Do it for real and in the model, or see it refused as the model says."""
        if refusal:
            with pytest.raises(refusal):
                act()
        else:
            transfer = act()
            assert transfer.amount_minor == terms.amount_minor
            self.books.move(terms, key)

    def terms(self, payer: int, hop: int, amount_minor: int) -> Terms:
        # Nobody pays themselves here: the database would refuse nearly every batch for it.
        payee = hop % PEOPLE if payer == HOUSE else (payer + max(hop, 1)) % PEOPLE
        return Terms(payer, payee, amount_minor, "")

    def movement(self, terms: Terms, key: UUID) -> Movement:
        source = bank() if terms.payer == HOUSE else self.people[terms.payer]
        payee = self.people[terms.payee]
        return movement(source, payee, terms.amount_minor, idempotency_key=key)


def credit(wallet: Wallet, amount_minor: int, key: UUID) -> Transfer:
    return services.credit_from_bank(
        bank=bank().name,
        wallet_id=wallet.pk,
        amount_minor=amount_minor,
        currency="INR",
        idempotency_key=key,
        note="",
        now=timezone.now(),
    )


@pytest.fixture
def machine() -> type[MoneyMachine]:
    without_onramps()
    MoneyMachine.people = [make_wallet(balance_minor=START_MINOR) for _ in range(PEOPLE)]
    return MoneyMachine


def test_any_sequence_of_acts_keeps_the_books(machine: type[MoneyMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
