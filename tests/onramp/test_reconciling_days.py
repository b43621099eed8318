"""A day's statement beside its neighbours, and beside the one that came before it."""

from datetime import timedelta

import pytest

from onramp.models import Break, BreakAct, StatementLine
from onramp.services.reconciling import NEAR
from tests.onramp.statements import (
    DAY,
    LATER,
    NOON,
    found,
    line,
    listed,
    reconcile,
    settled,
    tell,
)
from tests.onramp.support import start
from tests.onramp.test_reconciling import AFTER, LATE

pytestmark = pytest.mark.django_db


class TestMidnight:
    """A bank books by its own clock: what we credited late may stand on the next day."""

    def test_may_lie_between_the_bank_and_us(self) -> None:
        onramp = settled(at=LATE)
        first = reconcile()

        assert (found(first), first.waiting_there) == ([], 1)
        second = reconcile(listed(onramp, booked_at=LATE + timedelta(hours=1)), day=AFTER)
        assert (found(second), second.matched) == ([], 1)

    def test_may_lie_between_us_and_the_bank(self) -> None:
        onramp = settled(at=LATE + timedelta(hours=1))
        reconcile(listed(onramp, booked_at=LATE))

        assert Break.objects.count() == 0

    def test_is_waited_for_until_the_next_day_has_come(self) -> None:
        settled(at=LATE)
        reconcile()

        assert found(reconcile(day=AFTER)) == [("missing_there", 0, 50_000)]

    def test_is_waited_for_backwards_too(self) -> None:
        settled(at=LATE + timedelta(hours=1))

        assert found(reconcile(day=AFTER)) == []
        assert found(reconcile()) == [("missing_there", 0, 50_000)]

    def test_is_no_excuse_at_noon(self) -> None:
        settled(at=LATE - NEAR)

        assert len(found(reconcile())) == 1

    def test_makes_a_day_that_is_not_over_wait(self) -> None:
        settled()
        now = NOON + timedelta(hours=1)

        today = reconcile(now=now)

        assert (found(today), today.is_whole, today.waiting_there) == ([], False, 1)
        assert len(found(reconcile())) == 1

    def test_clears_a_break_when_the_bank_books_days_later(self) -> None:
        onramp = settled()
        reconcile()

        days = timedelta(days=4)
        late = listed(onramp, booked_at=NOON + days)
        reconcile(late, day=DAY + days, now=LATER + days)

        assert Break.objects.get().status == "cleared"


class TestTheSameDayAgain:
    def test_with_the_same_statement_is_the_same(self) -> None:
        settled()
        first = reconcile(line())
        second = reconcile(line())

        assert first == second
        assert (StatementLine.objects.count(), Break.objects.count()) == (1, 2)
        assert BreakAct.objects.count() == 2

    def test_sees_what_happened_here_meanwhile(self) -> None:
        onramp = start(now=NOON)
        assert reconcile(listed(onramp)).waiting == 1

        tell(onramp)

        assert reconcile(listed(onramp)).matched == 1

    def test_with_a_corrected_statement_supersedes_and_keeps_the_first(self) -> None:
        onramp = settled()
        first = reconcile(line())
        second = reconcile(listed(onramp))

        first.refresh_from_db()
        assert (first.superseded_at, first.booked.count(), first.missing_here) == (LATER, 1, 1)
        assert (second.superseded_at, second.matched, found(second)) == (None, 1, [])
        assert set(Break.objects.values_list("status", flat=True)) == {"cleared"}

    def test_with_the_first_statement_again_supersedes_again(self) -> None:
        first, second = reconcile(line()), reconcile()
        third = reconcile(line())

        assert len({first, second, third}) == 3
        assert Break.objects.get().status == "open"
        assert list(BreakAct.objects.order_by("pk").values_list("kind", flat=True)) == [
            "found",
            "cleared",
            "found_again",
        ]
