"""Paying out through RazorpayX."""

from typing import Any

import pytest

from onramp.banks import Bank, BankUnreachable, Payout, PayoutRefused, PayoutReport, PayoutState
from tests.onramp.razorpay.support import ACCOUNT, Fake

TOKEN = "a-token-of-ours-with-43-characters-or-more-"


def asked(**changes: Any) -> Payout:
    fields: dict[str, Any] = {
        "token": TOKEN,
        "amount_minor": 20_000,
        "currency": "INR",
        "bank": "harbour",
        "account_holder": "Ana Rao",
        "account_number": "123456781234",
        "reference": "WDR-1234-ABCD",
    }
    return Payout(**fields | changes)


class TestAPayout:
    def test_is_taken_once_however_often_it_is_asked(self, bank: Bank, razorpay: Fake) -> None:
        first, second = bank.create_payout(asked()), bank.create_payout(asked())

        (made,) = razorpay.payouts
        assert first == second == bank.query_payout(token=TOKEN)
        assert first == PayoutReport(
            state=PayoutState.PENDING,
            amount_minor=20_000,
            currency="INR",
            bank_reference=made["id"],
        )

    def test_goes_from_our_account_to_theirs(self, bank: Bank, razorpay: Fake) -> None:
        bank.create_payout(asked())

        _, _, said = razorpay.asked[0]
        assert (said["account_number"], said["mode"]) == (ACCOUNT, "IMPS")
        assert said["fund_account"]["bank_account"] == {
            "name": "Ana Rao",
            "ifsc": "HRBR0000001",
            "account_number": "123456781234",
        }

    def test_of_much_money_goes_the_slow_way(self, bank: Bank, razorpay: Fake) -> None:
        bank.create_payout(asked(amount_minor=50_000_001))

        assert razorpay.payouts[0]["mode"] == "NEFT"

    def test_is_refused_for_good_when_the_bank_says_no(self, bank: Bank) -> None:
        with pytest.raises(PayoutRefused, match="bank account is invalid"):
            bank.create_payout(asked(account_number="12340000"))

        assert bank.query_payout(token=TOKEN) == PayoutReport(state=PayoutState.UNKNOWN)

    def test_with_another_body_is_not_called_refused(self, bank: Bank) -> None:
        """Guard: a payout of that token exists, and nobody may give its money back."""
        first = bank.create_payout(asked())

        assert bank.create_payout(asked(amount_minor=1_000)) == first

    @pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 504])
    def test_may_have_been_taken_when_the_answer_is_an_error(
        self, bank: Bank, razorpay: Fake, status: int
    ) -> None:
        razorpay.answers = [(status, {"error": {}})]

        with pytest.raises(BankUnreachable):
            bank.create_payout(asked())

    @pytest.mark.parametrize(
        ("status", "state"),
        [
            ("queued", PayoutState.PENDING),
            ("pending", PayoutState.PENDING),
            ("scheduled", PayoutState.PENDING),
            ("processing", PayoutState.PENDING),
            ("processed", PayoutState.SUCCEEDED),
            ("failed", PayoutState.FAILED),
            ("rejected", PayoutState.FAILED),
            ("cancelled", PayoutState.FAILED),
            ("reversed", PayoutState.RETURNED),
        ],
    )
    def test_stands_as_the_bank_says(
        self, bank: Bank, razorpay: Fake, status: str, state: PayoutState
    ) -> None:
        bank.create_payout(asked())
        details = {"description": "Payout failed.\nContact the beneficiary bank."}
        razorpay.payouts[0] |= {"status": status, "status_details": details}

        report = bank.query_payout(token=TOKEN)

        assert (report.state, report.reason) == (
            state,
            "Payout failed. Contact the beneficiary bank.",
        )

    @pytest.mark.parametrize(
        "change", [{"status": "lost"}, {"amount": None}, {"notes": []}, {"notes": {"token": "x"}}]
    )
    def test_is_not_guessed_from_an_odd_answer(
        self, bank: Bank, razorpay: Fake, change: dict[str, Any]
    ) -> None:
        bank.create_payout(asked())
        razorpay.payouts[0] |= change

        with pytest.raises(BankUnreachable):
            bank.query_payout(token=TOKEN)

    def test_that_is_there_twice_is_for_people(self, bank: Bank, razorpay: Fake) -> None:
        bank.create_payout(asked())
        razorpay.payouts.append(razorpay.payouts[0])

        with pytest.raises(BankUnreachable, match="twice"):
            bank.query_payout(token=TOKEN)
