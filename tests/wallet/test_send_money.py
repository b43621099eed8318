"""Sending money, one act at a time."""

from itertools import pairwise
from uuid import uuid4

import pytest

from tests.factories import available, fund, make_wallet, send
from wallet import services
from wallet.models import Entry, Transfer, Wallet

pytestmark = pytest.mark.django_db


class TestSendMoney:
    def test_moves_the_amount_and_writes_entries_that_cancel_out(self) -> None:
        ana, ben = make_wallet(balance_minor=1_000), make_wallet()

        transfer = send(ana, ben, 250)

        entries = transfer.entries.order_by("delta_available_minor")
        assert [
            (e.wallet_id, e.delta_available_minor, e.available_after_minor) for e in entries
        ] == [
            (ana.pk, -250, 750),
            (ben.pk, 250, 250),
        ]
        assert (available(ana), available(ben)) == (750, 250)

    def test_numbers_and_chains_the_entries_of_each_wallet(self) -> None:
        ana, ben = make_wallet(balance_minor=1_000), make_wallet()

        for _ in range(3):
            send(ana, ben, 100)

        entries = list(Entry.objects.filter(wallet=ana).order_by("version"))
        assert [e.version for e in entries] == [1, 2, 3, 4]
        pairs = pairwise(entries)
        assert all(bytes(b.prev_hash) == bytes(a.hash) for a, b in pairs)

    def test_moves_money_once_when_the_same_key_comes_twice(self) -> None:
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()

        assert send(ana, ben, 250, key=key) == send(ana, ben, 250, key=key)

        assert available(ben) == 250

    def test_answers_the_first_transfer_even_when_the_money_is_gone_since(self) -> None:
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        first = send(ana, ben, 1_000, key=key)

        assert send(ana, ben, 1_000, key=key) == first

    def test_is_no_error_to_the_database_when_the_same_key_comes_twice(self) -> None:
        """Guard: ON CONFLICT in SEND. Its index would refuse the key, and say so in the log."""
        ana, ben = make_wallet(balance_minor=500), make_wallet()
        key = uuid4()
        first = send(ana, ben, 100, key=key)

        assert send(ana, ben, 100, key=key).pk == first.pk

    @pytest.mark.parametrize(("amount_minor", "note"), [(251, ""), (250, "other")])
    def test_refuses_a_key_that_comes_again_with_other_details(
        self, amount_minor: int, note: str
    ) -> None:
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        send(ana, ben, 250, key=key)

        with pytest.raises(services.AlreadyUsed, match="already sent with other details"):
            send(ana, ben, amount_minor, key=key, note=note)

        assert available(ben) == 250

    def test_lets_two_people_use_the_same_key(self) -> None:
        ana, ben, key = make_wallet(balance_minor=500), make_wallet(balance_minor=500), uuid4()

        send(ana, ben, 100, key=key)
        send(ben, ana, 200, key=key)

        assert (available(ana), available(ben)) == (600, 400)

    def test_refuses_more_than_there_is(self) -> None:
        ana, ben = make_wallet(balance_minor=100), make_wallet()

        with pytest.raises(services.InsufficientFunds, match=r"You have ₹1\.00"):
            send(ana, ben, 101)

        assert (available(ana), available(ben), Transfer.objects.count()) == (100, 0, 1)

    @pytest.mark.parametrize("amount_minor", [0, -5, 10**30])
    def test_refuses_an_amount_out_of_range(self, amount_minor: int) -> None:
        ana, ben = make_wallet(balance_minor=100), make_wallet()

        with pytest.raises(services.AmountOutOfRange):
            send(ana, ben, amount_minor)

    def test_refuses_to_pay_oneself(self) -> None:
        ana = make_wallet(balance_minor=100)

        with pytest.raises(services.SameWallet):
            send(ana, ana, 1)

    @pytest.mark.parametrize("status", [Wallet.Status.DEBIT_FROZEN, Wallet.Status.FROZEN])
    def test_refuses_to_pay_from_a_frozen_wallet(self, status: Wallet.Status) -> None:
        ana, ben = make_wallet(balance_minor=100), make_wallet()
        services.set_status(wallet_id=ana.pk, status=status)

        with pytest.raises(services.WalletFrozen, match="Your wallet is frozen"):
            send(ana, ben, 1)

    def test_refuses_to_pay_into_a_frozen_wallet_but_not_a_debit_frozen_one(self) -> None:
        ana, ben = make_wallet(balance_minor=100), make_wallet()
        services.set_status(wallet_id=ben.pk, status=Wallet.Status.DEBIT_FROZEN)
        send(ana, ben, 1)
        services.set_status(wallet_id=ben.pk, status=Wallet.Status.FROZEN)

        with pytest.raises(services.WalletFrozen, match="cannot be paid"):
            send(ana, ben, 1)

    def test_refuses_a_wallet_of_another_currency(self) -> None:
        ana, ben = make_wallet(balance_minor=100), make_wallet()
        assert ben.owner_id
        euros = services.open_wallet(owner_id=ben.owner_id, name="Euros", currency="EUR")

        with pytest.raises(services.CurrencyMismatch):
            send(ana, euros, 1)


class TestCreditFromBank:
    def test_takes_from_settlement_what_it_gives_to_the_person(self) -> None:
        ana = make_wallet()

        transfer = fund(ana, 500)

        assert available(ana) == 500
        assert sum(e.delta_minor for e in transfer.entries.all()) == 0
        assert Entry.objects.get(transfer=transfer, wallet=transfer.source).version is None

    def test_reaches_a_frozen_wallet_because_the_bank_has_paid(self) -> None:
        ana = make_wallet()
        services.set_status(wallet_id=ana.pk, status=Wallet.Status.FROZEN)

        fund(ana, 500)

        assert available(ana) == 500
