"""A day's statement against the ledger: what agrees, what does not, and when it may be said."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from nexapay.kernel import db
from onramp import services
from onramp.models import Break, Statement, StatementLine
from onramp.statements import BadStatement, Kind
from tests.factories import make_wallet
from tests.onramp.statements import (
    DAY,
    LATER,
    NOON,
    csv,
    found,
    line,
    listed,
    reconcile,
    settled,
    tell,
)
from tests.onramp.support import start
from tests.threads import at_once

pytestmark = pytest.mark.django_db
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
LATE = datetime(2026, 11, 19, 18, 0, tzinfo=UTC)  # Half an hour before midnight in Kolkata.


class TestADay:
    @pytest.mark.parametrize("format", ["csv", "camt053"])
    def test_agrees_when_every_credit_is_listed(self, format: str) -> None:
        lines = [listed(settled()), listed(settled(7_000), bank_reference="ODD/1")]

        statement = reconcile(*lines, format=format)

        assert (statement.lines, statement.matched, found(statement)) == (2, 2, [])

    def test_without_anything_agrees(self) -> None:
        assert (reconcile().lines, Break.objects.count()) == (0, 0)

    def test_shows_what_the_bank_took_and_we_never_credited(self) -> None:
        onramp = start(now=NOON)
        tell(onramp, "failure")

        statement = reconcile(listed(onramp))

        assert found(statement) == [("missing_here", 50_000, 0)]
        case = Break.objects.get()
        assert (case.onramp, case.wallet, case.bank) == (onramp, onramp.wallet, "banyan")

    def test_shows_what_the_bank_took_and_we_know_nothing_of(self) -> None:
        statement = reconcile(line())

        assert found(statement) == [("missing_here", 50_000, 0)]
        assert Break.objects.get().wallet is None

    def test_shows_what_we_credited_and_the_bank_does_not_list(self) -> None:
        onramp = settled()

        statement = reconcile()

        assert (found(statement), statement.missing_there) == ([("missing_there", 0, 50_000)], 1)
        assert Break.objects.get().onramp == onramp

    def test_shows_where_the_amounts_differ(self) -> None:
        statement = reconcile(listed(settled(), amount_minor=49_900))

        assert found(statement) == [("differs", 49_900, 50_000)]

    def test_shows_where_the_currencies_differ(self) -> None:
        reconcile(listed(settled(), currency="USD"))

        case = Break.objects.get()
        assert (case.kind, case.theirs_currency, case.currency) == ("differs", "USD", "INR")

    def test_shows_a_payment_that_is_listed_again_and_counts_it_once(self) -> None:
        said = listed(settled())

        statement = reconcile(said, said, said)

        assert found(statement) == [("repeated", 50_000, 0)] * 2
        assert (statement.matched, statement.repeated) == (1, 2)

    def test_shows_a_payment_that_another_day_lists_as_well(self) -> None:
        said = listed(settled())
        reconcile(said)

        again = reconcile(said._replace(booked_at=NOON + timedelta(days=1)), day=AFTER)

        assert found(again) == [("repeated", 50_000, 0)]

    def test_shows_two_payments_for_one_onramp(self) -> None:
        said = listed(settled())

        statement = reconcile(said, said._replace(bank_reference="BNY-OTHER"))

        assert found(statement) == [("differs", 100_000, 50_000)]
        assert statement.differs == 2

    def test_takes_what_the_bank_paid_out_from_what_it_took(self) -> None:
        onramp = settled()
        back = listed(onramp, is_credit=False, bank_reference="BNY-BACK")

        assert found(reconcile(listed(onramp), back)) == [("differs", 0, 50_000)]

    def test_waits_while_the_bank_may_still_settle_it(self) -> None:
        statement = reconcile(listed(start(now=NOON)))

        assert (found(statement), statement.waiting) == ([], 1)


class TestALine:
    def test_is_known_by_our_token_first(self) -> None:
        first, second = settled(), settled()

        statement = reconcile(listed(first, bank_reference="X-1"), listed(second))

        assert statement.matched == 2

    def test_is_known_by_the_bank_s_reference_without_it(self) -> None:
        said = listed(settled(), token="", reference="")

        assert found(reconcile(said)) == []

    def test_is_known_by_our_reference_without_both(self) -> None:
        said = listed(settled(), token="", bank_reference="X-1")

        assert found(reconcile(said)) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"token": "", "bank": "harbour", "reference": ""},
            {"token": "", "bank_reference": "X-1", "reference": "ONR-0000-0000"},
            {"token": "", "bank_reference": "X-1", "reference": "XYZ-93B2-71D0"},
            {"token": "", "bank_reference": "X-1", "reference": "Rent for November"},
        ],
    )
    def test_of_anything_else_is_of_nothing(self, changes: dict[str, Any]) -> None:
        statement = reconcile(listed(settled(), **changes))

        assert {kind for kind, *_ in found(statement)} == {"missing_here", "missing_there"}


class TestAPaymentOnOtherTerms:
    """The bank took another amount than it was asked for, so none of its words settles it."""

    def test_is_a_break_although_it_is_still_processing(self) -> None:
        onramp = start(amount_minor=50_000, now=NOON)

        statement = reconcile(listed(onramp, amount_minor=49_500))

        assert found(statement) == [("differs", 49_500, 0)]
        assert (statement.differs, statement.waiting) == (1, 0)

    def test_waits_until_the_bank_s_day_is_over(self) -> None:
        onramp = start(amount_minor=50_000, now=NOON)

        statement = reconcile(listed(onramp, amount_minor=49_500), now=NOON + timedelta(hours=1))

        assert (found(statement), statement.waiting) == ([], 1)

    def test_waits_when_the_bank_gave_all_of_it_back(self) -> None:
        taken = listed(start(amount_minor=50_000, now=NOON), amount_minor=49_500)
        back = taken._replace(is_credit=False, kind=Kind.RETURN)

        assert reconcile(taken, back).waiting == 2


class TestABadStatement:
    def test_leaves_nothing_of_itself(self) -> None:
        body = csv([line()]).replace(b"end,1", b"end,2")
        given = services.Given(bank="simbank", day=DAY, format="csv", body=body)

        with pytest.raises(BadStatement):
            services.reconcile(given=given, now=LATER)

        assert (Statement.objects.count(), StatementLine.objects.count()) == (0, 0)

    def test_leaves_the_day_s_good_one_as_it_is(self) -> None:
        first = reconcile(line())
        given = services.Given(bank="simbank", day=DAY, format="csv", body=b"junk")

        with pytest.raises(BadStatement):
            services.reconcile(given=given, now=LATER)

        first.refresh_from_db()
        assert first.superseded_at is None


_ONRAMPS = st.lists(
    st.tuples(
        st.integers(1, 3),  # Its amount.
        st.sampled_from(["success", "failure", ""]),  # How it ended here; "" not yet.
        st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["", "again"])), max_size=2),
    ),
    max_size=4,
)


class TestAnyStatementAndAnyLedger(TestCase):
    @hypothesis_settings(max_examples=40)
    @given(onramps=_ONRAMPS, strangers=st.integers(0, 2))
    def test_fall_into_the_groups_and_nothing_is_lost(
        self, onramps: list[tuple[int, str, list[tuple[int, str]]]], strangers: int
    ) -> None:
        wallet, lines, expected = make_wallet(), [], Counter[str]()
        for amount_minor, ended, listings in onramps:
            onramp = start(wallet, 1_000 * amount_minor, now=NOON)
            if ended:
                tell(onramp, ended)
            firsts: dict[str, int] = {}
            for n, (m, again) in enumerate(listings):
                reference = f"B-{onramp.pk}-{again or n}"
                expected["repeated"] += reference in firsts
                firsts.setdefault(reference, 1_000 * m)
                lines.append(listed(onramp, bank_reference=reference, amount_minor=1_000 * m))
            verdict = _verdict(ended, 1_000 * amount_minor, list(firsts.values()))
            expected[verdict] += len(firsts) or verdict == "missing_there"
        lines += [line(bank_reference=f"S-{n}", token="s" * 43) for n in range(strangers)]
        expected["missing_here"] += strangers

        statement = reconcile(*lines)

        said = {name: getattr(statement, name) for name in expected}
        assert said == dict(expected)
        assert statement.lines == len(lines)
        assert sum(said.values()) - statement.missing_there == len(lines)


def _verdict(ended: str, asked_minor: int, theirs: list[int]) -> str:
    """Say it anew, for one on-ramp, in the plainest way."""
    ours = asked_minor if ended == "success" else 0
    if ended != "success" and any(each != asked_minor for each in theirs):
        return "differs"  # No word of the bank can settle that.
    if not ended:
        return "waiting"
    if sum(theirs) == ours:
        return "matched"
    if not theirs:
        return "missing_there"
    return "differs" if ours else "missing_here"


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_are_one_after_the_other(self) -> None:
        """Guard: the advisory lock. Whoever cannot wait that long is told."""
        lines = [line(bank_reference=f"S-{n}") for n in range(50)]

        outcomes = at_once([lambda: reconcile(*lines)] * 6, workers=6)

        assert [
            o for o in outcomes if isinstance(o, Exception) and not isinstance(o, db.Busy)
        ] == []
        assert (Statement.objects.count(), StatementLine.objects.count()) == (1, 50)
        assert Break.objects.count() == 50

    def test_leave_no_table_behind(self) -> None:
        reconcile(line())
        reconcile(line())

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^matching_'")
            assert cursor.fetchone() == (0,)
