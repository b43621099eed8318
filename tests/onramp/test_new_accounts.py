"""The cooling-off time: what goes to accounts that were added lately, all of them together."""

from datetime import timedelta
from functools import partial
from typing import cast

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from nexapay.kernel import dates
from onramp import services
from onramp.banks import PayoutState
from onramp.models import BankAccount, OffRampTransaction
from onramp.services import withdrawing
from onramp.services.cooling import cooling_off
from onramp.services.payouts import record_report
from tests.factories import available, fund, locked, make_wallet
from tests.onramp.offramps import (
    DAY,
    account,
    problems,
    report,
    submitted,
    withdraw,
)
from tests.onramp.pages import signed_in, text
from tests.threads import queued
from wallet import services as wallet_services
from wallet.models import Balance, Wallet

pytestmark = pytest.mark.django_db
NOW = timedelta(0)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _little(settings: Settings) -> None:
    settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR = 50_000


@pytest.fixture
def ana() -> Wallet:
    return make_wallet(balance_minor=200_000)


def added(wallet: Wallet, ending: int = 4821, *, ago: timedelta = NOW) -> BankAccount:
    return account(wallet, number=f"50010020{ending:04}", now=timezone.now() - ago)


def remove(of: BankAccount) -> BankAccount:
    assert services.remove_account(owner_id=of.owner_id, account_id=of.pk, now=timezone.now())
    return of


def cancel(offramp: OffRampTransaction) -> None:
    services.cancel_withdrawal(
        actor_id=offramp.wallet.owner_id or 0, offramp_id=offramp.pk, now=timezone.now()
    )


class TestANewAccount:
    def test_gets_no_more_than_the_limit_in_its_first_day(self, ana: Wallet) -> None:
        new = added(ana, ago=DAY - MINUTE)
        withdraw(ana, 30_000, to=new)

        with pytest.raises(withdrawing.TooNew, match=r"₹500\.00 at most.* ₹200\.00 of it is left"):
            withdraw(ana, 20_001, to=new)

        withdraw(ana, 20_000, to=new)
        assert (available(ana), locked(ana)) == (150_000, 50_000)
        assert problems() == []

    def test_is_like_others_after_a_day(self, ana: Wallet) -> None:
        withdraw(ana, 90_000, to=added(ana, ago=DAY))

        assert locked(ana) == 90_000

    def test_does_not_hold_up_what_goes_to_older_ones(self, ana: Wallet) -> None:
        old, new = added(ana, ago=2 * DAY), added(ana, 7777)
        withdraw(ana, 50_000, to=new)

        withdraw(ana, 90_000, to=old)

        assert locked(ana) == 140_000

    def test_may_use_again_what_was_cancelled_or_failed(self, ana: Wallet) -> None:
        new = added(ana)
        cancel(withdraw(ana, 50_000, to=new))
        failed = submitted(ana, amount_minor=50_000, to=new)
        record_report(
            bank="simbank",
            offramp=failed,
            report=report(failed, PayoutState.FAILED),
            now=timezone.now(),
        )

        withdraw(ana, 50_000, to=new)

        assert locked(ana) == 50_000


class TestSeveralNewAccounts:
    def test_share_one_limit(self, ana: Wallet) -> None:
        withdraw(ana, 30_000, to=added(ana, 1111))

        with pytest.raises(withdrawing.TooNew):
            withdraw(ana, 20_001, to=added(ana, 2222))

        withdraw(ana, 20_000, to=added(ana, 2222))
        assert locked(ana) == 50_000

    def test_share_it_from_all_wallets_of_their_owner(self, ana: Wallet) -> None:
        assert ana.owner_id
        second = wallet_services.open_wallet(owner_id=ana.owner_id, name="Travel", currency="EUR")
        fund(second, 60_000)
        withdraw(ana, 50_000, to=added(ana, 1111))

        with pytest.raises(withdrawing.TooNew):
            withdraw(second, 1_000, to=added(ana, 2222))

    def test_of_one_number_added_again_share_it(self, ana: Wallet) -> None:
        withdraw(ana, 50_000, to=added(ana))
        remove(BankAccount.objects.get())

        with pytest.raises(withdrawing.TooNew):
            withdraw(ana, 1_000, to=added(ana))

        assert BankAccount.objects.count() == 2
        assert locked(ana) == 50_000

    def test_share_it_with_those_that_were_removed(self, ana: Wallet) -> None:
        withdraw(ana, 50_000, to=added(ana, 1111))
        remove(BankAccount.objects.get())

        with pytest.raises(withdrawing.TooNew):
            withdraw(ana, 1_000, to=added(ana, 2222))

    def test_of_different_people_do_not(self, ana: Wallet) -> None:
        ben = make_wallet(balance_minor=200_000)
        withdraw(ana, 50_000, to=added(ana))

        withdraw(ben, 50_000, to=added(ben))

        assert locked(ben) == 50_000


class TestAnAccountAddedAgain:
    def test_is_as_old_as_when_it_was_first_added(self, ana: Wallet) -> None:
        remove(added(ana, ago=DAY))

        withdraw(ana, 90_000, to=added(ana))

        assert locked(ana) == 90_000

    def test_at_another_bank_is_another_one(self, ana: Wallet) -> None:
        remove(added(ana, ago=DAY))
        elsewhere = account(ana, bank="harbour", now=timezone.now())

        with pytest.raises(withdrawing.TooNew):
            withdraw(ana, 90_000, to=elsewhere)

    def test_is_not_made_old_by_somebody_else_s(self, ana: Wallet) -> None:
        added(make_wallet(), ago=2 * DAY)

        with pytest.raises(withdrawing.TooNew):
            withdraw(ana, 90_000, to=added(ana))


class TestTheLimit:
    def test_is_told_with_what_is_left_and_until_when(self, ana: Wallet) -> None:
        old, new = added(ana, ago=2 * DAY), added(ana, 7777, ago=MINUTE)
        withdraw(ana, 20_000, to=new)
        withdraw(ana, 20_000, to=old)

        told = cooling_off(owner_id=ana.owner_id or 0, now=timezone.now())

        assert told == (30_000, {new.pk: new.added_at + DAY})

    def test_that_was_lowered_leaves_nothing(self, ana: Wallet, settings: Settings) -> None:
        withdraw(ana, 40_000, to=added(ana))
        settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR = 10_000

        assert cooling_off(owner_id=ana.owner_id or 0, now=timezone.now()).left_minor == 0


class TestThePages:
    """Nobody is refused by a rule that no page has told of."""

    def test_of_accounts_tell_the_limit_before_any_is_added(self, ana: Wallet) -> None:
        page = see(ana, "/withdraw/accounts/")

        assert "For 24 hours after you add an account, it gets ₹500.00 at most" in page

    def test_tell_what_is_left_and_until_when(self, ana: Wallet) -> None:
        new = added(ana, ago=MINUTE)
        withdraw(ana, 20_000, to=new)

        for path in ("/withdraw/", "/withdraw/accounts/"):
            page, until = see(ana, path), dates.full(new.added_at + DAY)
            assert f"Until {until}, new accounts get ₹500.00 at most, all together." in page
            assert "₹300.00 of it is left." in page
            assert f"Ana Rao · New until {until}" in page

    def test_tell_it_of_a_removed_one_where_the_next_is_added(self, ana: Wallet) -> None:
        withdraw(ana, 50_000, to=added(ana))
        remove(BankAccount.objects.get())

        assert "₹0.00 of it is left." in see(ana, "/withdraw/accounts/")

    def test_do_not_bother_whoever_has_old_accounts(self, ana: Wallet) -> None:
        added(ana, ago=DAY)

        assert "new accounts" not in see(ana, "/withdraw/").lower()

    def test_ask_the_database_six_times_at_most(
        self, ana: Wallet, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        withdraw(ana, 20_000, to=added(ana))
        browser = signed_in(ana)

        for path in ("/withdraw/", "/withdraw/accounts/"):
            with django_assert_max_num_queries(6):
                browser.get(path)


def see(wallet: Wallet, path: str) -> str:
    return text(cast(HttpResponse, signed_in(wallet).get(path)))


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_do_not_both_get_the_whole_limit(self, ana: Wallet) -> None:
        """Guard: the owner's row is locked before the limit is looked at."""
        acts = [partial(withdraw, ana, 30_000, to=added(ana, ending)) for ending in (1111, 2222)]
        balance = Balance.objects.filter(wallet=ana).select_for_update(no_key=True)

        outcomes = queued(acts, behind=balance.get)

        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "OffRampTransaction",
            "TooNew",
        ]
        assert locked(ana) == 30_000
        assert problems() == []
