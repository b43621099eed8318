"""A bank that does not answer, or not to everybody, is asked again later and holds up no others."""

import pytest

from onramp.models import Question
from tests.factories import make_wallet
from tests.onramp.support import statuses
from tests.onramp.test_asking import AWAY, ILL, Teller, ask, became, report, waiting

pytestmark = pytest.mark.django_db


class TestABankThatIsAway:
    def test_ends_the_run_soon(self) -> None:
        teller, wallet = Teller(AWAY), make_wallet()
        for _ in range(5):
            waiting(wallet=wallet)

        assert (ask(teller), len(teller.asked)) == (3, 3)
        assert set(Question.objects.values_list("answer", flat=True)) == {"no answer"}

    def test_is_not_what_silence_here_and_there_means(self) -> None:
        teller, wallet = Teller(), make_wallet()
        onramps = [waiting(20 - place, wallet=wallet) for place in range(9)]
        for place in (0, 1, 3, 4, 6, 7):
            teller.answers[onramps[place].token] = AWAY

        assert ask(teller) == 9

    def test_to_everybody_ends_the_run_though_it_answers(self) -> None:
        teller, wallet = Teller(ILL), make_wallet()
        for _ in range(22):
            waiting(wallet=wallet)

        assert ask(teller) == 20

    def test_to_some_does_not_hold_up_the_others(self) -> None:
        """Guard: only silence ends a run soon; an odd answer about one says little of the next."""
        wallet = make_wallet()
        ill, well = [waiting(9, wallet=wallet) for _ in range(12)], waiting(8)
        teller = Teller(report(well))
        teller.answers = {onramp.token: ILL for onramp in ill}

        assert ask(teller) == 13

        assert became(well)[0] == "success"
        assert {became(onramp)[0] for onramp in ill} == {"processing"}

    def test_to_some_is_asked_about_others_first_the_next_time(self) -> None:
        """Guard: what had no answer comes behind all others; so does what takes every time-out."""
        wallet = make_wallet()
        mute, well = [waiting(9, wallet=wallet) for _ in range(3)], waiting(8)
        teller = Teller(report(well))
        teller.answers = {onramp.token: AWAY for onramp in mute}
        ask(teller)
        assert became(well)[0] == "processing"

        ask(teller, later_s=3_600)

        assert teller.asked[3] == well.token
        assert became(well)[0] == "success"

    def test_to_one_is_asked_about_it_later_each_time(self) -> None:
        """Guard: its next time is written before it is asked about."""
        onramp = waiting()

        assert [ask(Teller(AWAY)), ask(Teller(AWAY))] == [1, 0]
        question = Question.objects.get(onramp=onramp)
        assert question.next_at > question.asked_at

    @pytest.mark.parametrize("missing", ["amount_minor", "currency", "bank_reference"])
    def test_is_what_an_answer_without_its_facts_counts_as(self, missing: str) -> None:
        onramp = waiting()

        ask(Teller(report(onramp, **{missing: None})))

        assert became(onramp)[0] == "processing"
        assert statuses() == []
