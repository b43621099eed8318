"""One withdrawal asked for twice at the same time, through its page: it is asked for once."""

from functools import partial
from typing import cast
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from onramp import services
from onramp.models import BankAccount, OffRampTransaction
from onramp.services import withdrawing
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import account, problems, withdraw
from tests.onramp.pages import signed_in
from tests.threads import queued
from wallet.models import Wallet

URL = "/withdraw/"


@pytest.fixture
def ana(settings: Settings) -> Wallet:
    settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR = 50_000
    return make_wallet(balance_minor=100_000)


def new_account(wallet: Wallet) -> BankAccount:
    return account(wallet, now=timezone.now())


@pytest.mark.django_db(transaction=True)
class TestADoubleClick:
    @pytest.mark.parametrize(
        ("make", "amount"), [(account, "300"), (new_account, "300"), (new_account, "500")]
    )
    def test_leads_to_one_withdrawal_twice(self, ana: Wallet, make: object, amount: str) -> None:
        """
        Guard: the key is looked up under the lock of the owner's row.

        Above half of what a new account may get, the second click would else be told that nothing
        was withdrawn.
        """
        to = make(ana)  # type: ignore[operator]
        data = {"amount": amount, "account": str(to.public_id), "idempotency_key": str(uuid4())}

        answers = queued([partial(click, signed_in(ana), data)] * 2, behind=partial(lock, ana, to))

        offramp = OffRampTransaction.objects.get()
        where = f"{URL}{offramp.public_id}/"
        assert answers == [(303, where), (303, where)]
        assert available(ana) + locked(ana) == 100_000
        assert locked(ana) == offramp.amount_minor == int(amount) * 100
        assert problems() == []

    def test_is_answered_alike_though_the_account_was_removed_in_between(self, ana: Wallet) -> None:
        to, key = account(ana), uuid4()
        first = withdraw(ana, to=to, idempotency_key=key)
        services.remove_account(owner_id=to.owner_id, account_id=to.pk, now=timezone.now())

        assert withdraw(ana, to=to, idempotency_key=key) == first

    def test_that_nobody_waited_for_is_known_by_its_hold(
        self, ana: Wallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guard: the hold's own constraint is among _KEYS. As if the first look came too early."""
        to, key, look = account(ana), uuid4(), withdrawing._earlier
        first = withdraw(ana, to=to, idempotency_key=key)
        looks = iter([lambda _: None, look])
        monkeypatch.setattr(withdrawing, "_earlier", lambda asked: next(looks)(asked))

        assert withdraw(ana, to=to, idempotency_key=key) == first

        assert locked(ana) == 30_000


def click(browser: Client, data: dict[str, str]) -> tuple[int, str]:
    answer = cast(HttpResponse, browser.post(URL, data))
    return answer.status_code, answer.get("Location", answer.content.decode())


def lock(wallet: Wallet, to: BankAccount) -> None:
    User.objects.select_for_update(no_key=True).get(pk=wallet.owner_id or 0)
    BankAccount.objects.select_for_update(no_key=True).get(pk=to.pk)
