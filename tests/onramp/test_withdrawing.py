"""Asking for a withdrawal: what is held, what is refused, and until when it can be cancelled."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from onramp import services
from onramp.models import BankAccount, OffRampTransaction
from onramp.services import accounts, withdrawing
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import (
    FakeBank,
    account,
    afresh,
    after,
    problems,
    submitted,
    withdraw,
)
from tests.onramp.pages import signed_in
from tests.threads import at_once
from wallet import services as wallet_services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Wallet:
    return make_wallet(balance_minor=100_000)


class TestRequest:
    def test_holds_the_money_and_waits(self, ana: Wallet) -> None:
        offramp = withdraw(ana, 30_000)

        assert (offramp.status, offramp.bank) == ("requested", "banyan")
        assert offramp.submits_at == offramp.created_at + timedelta(seconds=60)
        assert (available(ana), locked(ana)) == (70_000, 30_000)
        assert offramp.hold.transfer.note == "Banyan Bank •••• 4821"
        assert problems() == []

    def test_is_made_once_for_a_key(self, ana: Wallet) -> None:
        key = uuid4()

        first = withdraw(ana, idempotency_key=key)

        assert withdraw(ana, idempotency_key=key) == first
        assert locked(ana) == 30_000

    def test_refuses_a_key_that_stands_for_another_amount_or_account(self, ana: Wallet) -> None:
        key = uuid4()
        withdraw(ana, idempotency_key=key)

        with pytest.raises(withdrawing.WithdrawalKeyUsed):
            withdraw(ana, 30_001, idempotency_key=key)
        with pytest.raises(withdrawing.WithdrawalKeyUsed):
            withdraw(ana, to=account(ana, number="500100200000"), idempotency_key=key)

    @pytest.mark.parametrize(
        ("amount_minor", "refusal"),
        [
            (100_001, withdrawing.NotEnough),
            (999, withdrawing.WithdrawalOutOfRange),
            (10_000_001, withdrawing.WithdrawalOutOfRange),
            (-1, withdrawing.WithdrawalOutOfRange),
        ],
    )
    def test_of_more_than_there_is_or_may_be_is_refused(
        self, ana: Wallet, amount_minor: int, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            withdraw(ana, amount_minor)

        assert (available(ana), locked(ana)) == (100_000, 0)
        assert not OffRampTransaction.objects.exists()

    def test_from_a_frozen_wallet_is_refused(self, ana: Wallet) -> None:
        wallet_services.set_status(wallet_id=ana.pk, status=Wallet.Status.DEBIT_FROZEN)

        with pytest.raises(services.WithdrawalRefused, match="frozen"):
            withdraw(ana)

    def test_to_somebody_else_s_account_is_refused(self, ana: Wallet) -> None:
        with pytest.raises(withdrawing.NoSuchAccount):
            withdraw(ana, to=account(make_wallet()))

    def test_to_a_removed_account_is_refused(self, ana: Wallet) -> None:
        to = account(ana)
        remove(to)

        with pytest.raises(withdrawing.NoSuchAccount):
            withdraw(ana, to=to)

    def test_from_somebody_else_s_wallet_is_refused(self, ana: Wallet) -> None:
        ben = make_wallet()

        with pytest.raises(Wallet.DoesNotExist):
            services.request_withdrawal(
                actor_id=ben.owner_id or 0,
                wallet_id=ana.pk,
                account_id=account(ben).pk,
                amount_minor=5_000,
                idempotency_key=uuid4(),
                now=timezone.now(),
            )


def remove(of: BankAccount) -> bool:
    return services.remove_account(owner_id=of.owner_id, account_id=of.pk, now=timezone.now())


def cancel(offramp: OffRampTransaction) -> OffRampTransaction:
    return services.cancel_withdrawal(
        actor_id=offramp.wallet.owner_id or 0, offramp_id=offramp.pk, now=timezone.now()
    )


class TestCancel:
    def test_releases_the_money(self, ana: Wallet) -> None:
        offramp = withdraw(ana)

        cancel(offramp)

        assert afresh(offramp).status == "cancelled"
        assert (available(ana), locked(ana)) == (100_000, 0)
        assert problems() == []

    def test_twice_is_once(self, ana: Wallet) -> None:
        offramp = withdraw(ana)

        assert cancel(offramp) == cancel(offramp)

        assert available(ana) == 100_000

    def test_is_refused_once_the_bank_has_it(self, ana: Wallet) -> None:
        offramp = submitted(ana)

        with pytest.raises(services.NotCancelled):
            cancel(offramp)

        assert locked(ana) == 30_000

    def test_of_somebody_else_s_is_refused(self, ana: Wallet) -> None:
        offramp = withdraw(ana)

        with pytest.raises(OffRampTransaction.DoesNotExist):
            services.cancel_withdrawal(
                actor_id=make_wallet().owner_id or 0, offramp_id=offramp.pk, now=timezone.now()
            )


class TestAccounts:
    def test_are_shown_masked(self, ana: Wallet) -> None:
        assert account(ana).masked == "•••• 4821"

    def test_are_shown_in_the_history_with_an_ending_that_is_never_cut(self, ana: Wallet) -> None:
        withdraw(ana)

        page = signed_in(ana).get("/transactions/").content.decode()

        ending = '<span class="num">••••\N{NO-BREAK SPACE}4821</span>'
        assert f'<span class="ends"><bdi>Banyan Bank</bdi> {ending}</span>' in page

    def test_are_kept_once(self, ana: Wallet) -> None:
        assert account(ana) == account(ana)

    @pytest.mark.parametrize(
        ("terms", "refusal"),
        [
            ({"bank": "nobank"}, accounts.UnknownAccountBank),
            ({"number": "12345678"}, accounts.NoAccountNumber),
            ({"number": "1" * 19}, accounts.NoAccountNumber),
            ({"number": "१२३४५६७८९०"}, accounts.NoAccountNumber),
            ({"number": "1234567890\n"}, accounts.NoAccountNumber),
            ({"holder": ""}, accounts.NoHolder),
        ],
    )
    def test_that_no_bank_has_are_refused(
        self, ana: Wallet, terms: dict[str, str], refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            account(ana, **terms)

    def test_are_ten_at_most(self, ana: Wallet) -> None:
        for number in range(10):
            account(ana, number=f"50010020000{number}")

        with pytest.raises(accounts.TooManyAccounts):
            account(ana, number="500100204821")

    def test_of_others_are_not_removed(self, ana: Wallet) -> None:
        mine = account(ana)
        stranger = make_wallet().owner_id or 0

        assert not services.remove_account(
            owner_id=stranger, account_id=mine.pk, now=timezone.now()
        )
        assert remove(mine)
        assert not remove(mine)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_key_is_one_withdrawal(self) -> None:
        """Guard: the owner's row is locked before anything is looked at."""
        ana, key = make_wallet(balance_minor=100_000), uuid4()
        to = account(ana)

        made = at_once([partial(withdraw, ana, to=to, idempotency_key=key)] * 5)

        assert made == [OffRampTransaction.objects.get()] * 5
        assert locked(ana) == 30_000

    def test_a_cancel_and_a_submission_end_in_one_of_them(self) -> None:
        """Guard: the status is looked at under the lock of the withdrawal's row."""
        offramps = [withdraw() for _ in range(4)]
        bank = FakeBank()
        acts: list[Callable[[], object]] = [partial(cancel, offramp) for offramp in offramps]
        submit: Callable[[], object] = partial(
            services.submit_withdrawals, bank=bank.as_bank(), now=after(offramps[-1])
        )

        outcomes = at_once([*acts, submit, submit])

        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert {type(error) for error in errors} <= {services.NotCancelled}
        for offramp in map(afresh, offramps):
            was_sent = offramp.token in {payout.token for payout in bank.paid}
            assert offramp.status == ("submitted" if was_sent else "cancelled")
            assert locked(offramp.wallet) == (30_000 if was_sent else 0)
        assert len(bank.paid) == len({payout.token for payout in bank.paid})
        assert problems() == []
