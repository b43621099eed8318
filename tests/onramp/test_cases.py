"""What staff do about a break, beside correcting it: every act is kept, and closes it once."""

import pytest

from onramp import services
from onramp.models import Break, BreakAct
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, make_staff, missing_here, propose
from tests.onramp.statements import LATER, found, line, reconcile
from tests.onramp.support import message, post
from tests.onramp.test_corrections import wallet_of

pytestmark = pytest.mark.django_db


class TestLateWords:
    def test_of_the_bank_do_not_credit_again_what_was_corrected(self) -> None:
        case = missing_here()
        approve(propose(case))
        assert case.onramp

        answer = post(message(case.onramp))

        assert answer.status_code == 409
        assert available(wallet_of(case)) == 50_000


class TestACase:
    def test_says_who_did_what(self) -> None:
        case, maker, second = missing_here(), make_staff(), make_staff()
        services.assign_break(break_id=case.pk, assignee_id=maker.pk, actor_id=second.pk, now=LATER)
        services.note_on_break(break_id=case.pk, text="Asked.", actor_id=maker.pk, now=LATER)
        approve(propose(case, actor_id=maker.pk), by=second)

        acts = BreakAct.objects.order_by("pk").values_list("kind", "by_id")
        assert list(acts) == [
            ("found", None),
            ("assigned", second.pk),
            ("noted", maker.pk),
            ("proposed", maker.pk),
            ("approved", second.pk),
        ]

    def test_is_assigned_to_staff_alone(self) -> None:
        case, ana = missing_here(), make_wallet().owner
        assert ana

        with pytest.raises(services.CaseRefused):
            services.assign_break(
                break_id=case.pk, assignee_id=ana.pk, actor_id=make_staff().pk, now=LATER
            )

    def test_is_not_explained_away_while_a_correction_waits(self) -> None:
        case = missing_here()
        propose(case)

        with pytest.raises(services.CaseRefused, match="waits"):
            explain(case)

    def test_is_closed_once(self) -> None:
        case = missing_here()
        explain(case)

        with pytest.raises(services.AlreadyDecided):
            explain(case)
        with pytest.raises(services.AlreadyDecided):
            propose(case)

    def test_stays_as_staff_left_it_when_the_day_is_reconciled_again(self) -> None:
        statement = reconcile(line())
        case = Break.objects.get()
        explain(case)

        again = reconcile(line())

        case.refresh_from_db()
        assert (again, case.status, found(again)) == (statement, "explained", [])


def explain(case: Break) -> None:
    services.explain_break(
        break_id=case.pk, text="A test of theirs.", actor_id=make_staff().pk, now=LATER
    )
