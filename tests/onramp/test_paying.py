"""Sending withdrawals to the bank: never guessed, never under a second token, asked again."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from onramp.banks import BankUnreachable, Payout, PayoutReport, PayoutState
from onramp.models import BankEvent, OffRampTransaction, PayoutQuestion
from onramp.services.paying import ask_about_withdrawals, submit_withdrawals
from onramp.services.payouts import fail_refused, record_report
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import FakeBank, afresh, after, problems, report, submitted, withdraw
from tests.threads import at_once
from wallet import services as wallet_services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
LATER = timedelta(seconds=121)  # BANK_ASK_AFTER_S is 120.


def submit(bank: FakeBank, offramp: OffRampTransaction) -> OffRampTransaction:
    submit_withdrawals(bank=bank.as_bank(), now=after(offramp))
    return afresh(offramp)


def ask(bank: FakeBank, offramp: OffRampTransaction, *, times: int = 1) -> OffRampTransaction:
    """Ask so many times, each when it is due."""
    now = afresh(offramp).submitted_at
    assert now
    for _ in range(times):
        now += timedelta(hours=1)
        ask_about_withdrawals(bank=bank.as_bank(), now=now)
    return afresh(offramp)


class TestSubmitting:
    def test_waits_while_it_can_be_cancelled(self) -> None:
        offramp, bank = withdraw(), FakeBank()

        sent = submit_withdrawals(bank=bank.as_bank(), now=after(offramp) - timedelta(seconds=1))

        assert (sent, bank.paid, afresh(offramp).status) == (0, [], "requested")

    def test_tells_the_bank_whom_to_pay(self) -> None:
        offramp, bank = withdraw(), FakeBank()

        assert submit(bank, offramp).status == "submitted"

        assert bank.paid == [
            Payout(
                token=offramp.token,
                amount_minor=30_000,
                currency="INR",
                bank="banyan",
                account_holder="Ana Rao",
                account_number="500100204821",
                reference=offramp.reference,
            )
        ]
        assert locked(offramp.wallet) == 30_000

    def test_happens_once(self) -> None:
        offramp, bank = withdraw(), FakeBank()

        submit(bank, offramp)
        submit(bank, offramp)

        assert len(bank.paid) == 1

    def test_leaves_a_frozen_wallet_s_alone_until_it_is_thawed(self) -> None:
        offramp, bank = withdraw(), FakeBank()
        freeze = partial(wallet_services.set_status, wallet_id=offramp.wallet_id)
        freeze(status=Wallet.Status.FROZEN)

        assert submit(bank, offramp).status == "requested"

        freeze(status=Wallet.Status.ACTIVE)
        assert submit(bank, offramp).status == "submitted"

    def test_that_the_bank_refuses_fails_and_releases(self) -> None:
        offramp = submit(FakeBank(refuses="no such branch"), withdraw())

        assert (offramp.status, offramp.failure_reason) == ("failure", "no such branch")
        assert (available(offramp.wallet), locked(offramp.wallet)) == (100_000, 0)
        assert problems() == []

    def test_that_the_bank_refuses_after_its_news_came_changes_nothing(self) -> None:
        offramp = submit(FakeBank(PayoutState.SUCCEEDED), withdraw())

        fail_refused(offramp_id=offramp.pk, reason="too late", now=timezone.now())

        assert afresh(offramp).status == "success"

    def test_that_the_bank_does_not_answer_stays_with_the_bank(self) -> None:
        offramps, bank = [withdraw() for _ in range(4)], FakeBank(is_silent=True)

        assert submit(bank, offramps[3]).status == "requested"  # Left for the next run.

        assert [afresh(each).status for each in offramps[:3]] == ["submitted"] * 3
        assert locked(offramps[0].wallet) == 30_000

    def test_goes_on_behind_those_that_the_bank_has_trouble_with(self) -> None:
        offramps = [withdraw() for _ in range(13)]
        bank = FakeBank(PayoutState.SUCCEEDED, ill={each.token for each in offramps[:12]})

        assert submit(bank, offramps[12]).status == "success"

        assert {afresh(each).status for each in offramps[:12]} == {"submitted"}

    @pytest.mark.parametrize(
        ("state", "status", "held"),
        [
            (PayoutState.SUCCEEDED, "success", (70_000, 0)),
            (PayoutState.FAILED, "failure", (100_000, 0)),
            (PayoutState.RETURNED, "returned", (100_000, 0)),
            (PayoutState.PENDING, "submitted", (70_000, 30_000)),
            (PayoutState.UNKNOWN, "submitted", (70_000, 30_000)),
        ],
    )
    def test_takes_the_bank_s_answer_as_its_word(
        self, state: PayoutState, status: str, held: tuple[int, int]
    ) -> None:
        offramp = submit(FakeBank(state), withdraw())

        assert offramp.status == status
        assert (available(offramp.wallet), locked(offramp.wallet)) == held
        assert problems() == []


class TestAsking:
    @pytest.mark.parametrize(
        ("state", "status", "held"),
        [
            (PayoutState.SUCCEEDED, "success", (70_000, 0)),
            (PayoutState.FAILED, "failure", (100_000, 0)),
            (PayoutState.RETURNED, "returned", (100_000, 0)),
            (PayoutState.PENDING, "submitted", (70_000, 30_000)),
        ],
    )
    def test_does_what_the_bank_says(
        self, state: PayoutState, status: str, held: tuple[int, int]
    ) -> None:
        offramp, bank = submitted(), FakeBank(query=state)

        offramp = ask(bank, offramp)

        assert (offramp.status, bank.asked, bank.paid) == (status, [offramp.token], [])
        assert (available(offramp.wallet), locked(offramp.wallet)) == held
        assert problems() == []

    def test_sends_what_the_bank_never_saw_again_under_the_same_token(self) -> None:
        offramp = submit(FakeBank(is_silent=True), withdraw())
        bank = FakeBank(PayoutState.SUCCEEDED, query=PayoutState.UNKNOWN)

        assert ask(bank, offramp).status == "success"

        assert [payout.token for payout in bank.paid] == [offramp.token]

    def test_guesses_nothing_when_the_bank_stays_silent(self) -> None:
        offramp = ask(FakeBank(is_silent=True), submitted(), times=9)

        assert (offramp.status, locked(offramp.wallet)) == ("submitted", 30_000)
        question = PayoutQuestion.objects.get()
        assert (question.asks, question.answer) == (9, "no answer")

    def test_begins_after_a_while_and_slows_down(self) -> None:
        offramp, bank = submitted(), FakeBank()
        assert offramp.submitted_at
        at = offramp.submitted_at

        asked = [
            ask_about_withdrawals(bank=bank.as_bank(), now=at + timedelta(seconds=seconds))
            for seconds in (119, 120, 239, 240, 241, 480)
        ]

        assert asked == [0, 1, 0, 1, 0, 1]

    def test_goes_on_behind_those_that_the_bank_has_trouble_with(self) -> None:
        offramps = [submitted() for _ in range(13)]
        bank = FakeBank(PayoutState.SUCCEEDED, ill={each.token for each in offramps[:12]})

        assert ask(bank, offramps[12]).status == "success"

        assert {afresh(each).status for each in offramps[:12]} == {"submitted"}

    def test_of_a_bank_that_is_away_ends_soon_and_goes_on_with_others(self) -> None:
        """Guard: what had no answer comes behind all others."""
        offramps, bank = [submitted() for _ in range(5)], FakeBank(is_silent=True)

        ask(bank, offramps[4])
        assert bank.asked == [each.token for each in offramps[:3]]
        ask(bank, offramps[4], times=2)

        assert bank.asked[3:5] == [each.token for each in offramps[3:]]

    def test_of_what_is_settled_never_happens(self) -> None:
        offramp = submit(FakeBank(PayoutState.SUCCEEDED), withdraw())
        bank = FakeBank()

        ask(bank, offramp)

        assert bank.asked == []

    @pytest.mark.parametrize(
        "facts", [{"amount_minor": 1}, {"currency": "EUR"}, {"amount_minor": 10**15}]
    )
    def test_moves_nothing_for_an_answer_about_other_terms(self, facts: dict[str, object]) -> None:
        bank = FakeBank(query=PayoutState.SUCCEEDED, facts=facts)

        offramp = ask(bank, submitted(), times=2)

        assert (offramp.status, locked(offramp.wallet)) == ("submitted", 30_000)
        assert BankEvent.objects.get().verdict == "terms_differ"

    @pytest.mark.parametrize(
        "lack", [{"bank_reference": None}, {"amount_minor": None}, {"currency": None}]
    )
    def test_takes_half_an_answer_for_none(self, lack: dict[str, None]) -> None:
        offramp = submitted()

        with pytest.raises(BankUnreachable):
            record_report(
                bank="simbank",
                offramp=offramp,
                report=report(offramp, PayoutState.SUCCEEDED, **lack),
                now=timezone.now(),
            )

        assert not BankEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_workers_send_each_withdrawal_once(self) -> None:
        """Guard: a withdrawal is marked as submitted by one statement that looks again."""
        offramps = [withdraw(make_wallet(balance_minor=50_000)) for _ in range(6)]
        bank = FakeBank(PayoutState.SUCCEEDED)
        run = partial(submit_withdrawals, bank=bank.as_bank(), now=after(offramps[-1]))

        outcomes = at_once([run] * 4)

        assert sum(outcome for outcome in outcomes if isinstance(outcome, int)) == 6
        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
        assert sorted(payout.token for payout in bank.paid) == sorted(o.token for o in offramps)
        assert {afresh(offramp).status for offramp in offramps} == {"success"}
        assert problems() == []

    def test_a_withdrawal_is_submitted_and_committed_before_the_bank_hears_of_it(self) -> None:
        seen: list[tuple[str, bool]] = []

        class Looking(FakeBank):
            def create_payout(self, payout: Payout) -> PayoutReport:
                status = OffRampTransaction.objects.get(token=payout.token).status
                seen.append((status, connection.in_atomic_block))
                return super().create_payout(payout)

        submit(Looking(), withdraw())

        assert seen == [("submitted", False)]

    def test_a_crash_after_the_bank_was_told_is_healed_by_asking(self) -> None:
        """The bank has paid, and our process was gone before it heard so."""

        class Dying(FakeBank):
            def create_payout(self, payout: Payout) -> PayoutReport:
                super().create_payout(payout)
                raise SystemExit

        offramp = withdraw()
        with pytest.raises(SystemExit):
            submit_withdrawals(bank=Dying().as_bank(), now=after(offramp))

        assert (afresh(offramp).status, locked(offramp.wallet)) == ("submitted", 30_000)
        bank = FakeBank(query=PayoutState.SUCCEEDED)
        assert ask(bank, offramp).status == "success"
        assert bank.paid == []
        assert problems() == []
