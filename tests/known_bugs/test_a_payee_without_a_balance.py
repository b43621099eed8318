"""Student wallets: a payee had no balance row, so the UPDATE hit nothing and the money was gone."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from tests.factories import available, make_user, make_wallet, send
from tests.wallet.forge import pay, sql
from wallet.models import Balance, Wallet

pytestmark = pytest.mark.django_db


def without_a_balance() -> Wallet:
    """Return a wallet as no code of ours opens it."""
    return Wallet.objects.create(
        owner=make_user(), kind=Wallet.Kind.MERCHANT, name="Tea House", currency="INR"
    )


class TestAPayee:
    def test_has_a_balance_from_the_first_moment(self) -> None:
        ana = make_wallet(balance_minor=500)
        typed = {"name": "Kabir", "phone": "98450 68214", "password": "seven-green-parrots"}
        assert Client().post("/accounts/signup/", typed).status_code == 302

        newcomer = Wallet.objects.get(owner=User.objects.get(phone="+919845068214"))
        send(ana, newcomer, 200)

        assert (available(ana), available(newcomer)) == (300, 200)

    def test_without_a_balance_costs_the_payer_nothing(self) -> None:
        """Guard: the database takes no entry that no balance follows."""
        ana, shop = make_wallet(balance_minor=500), without_a_balance()

        with pytest.raises(IntegrityError):
            send(ana, shop, 200)
        with pytest.raises(IntegrityError), transaction.atomic():
            pay(ana, shop, 200).write()

        assert available(ana) == 500

    def test_never_loses_the_balance(self) -> None:
        ana = make_wallet(balance_minor=500)

        with pytest.raises(IntegrityError), transaction.atomic():
            sql("DELETE FROM wallet_balance WHERE wallet_id = %s", ana.pk)

        assert Balance.objects.get(wallet=ana).available_minor == 500
