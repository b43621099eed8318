"""Money set aside: held, captured, released in parts, and given back when its time is over."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from tests.factories import available, capture, hold, locked, make_wallet, release, send
from tests.threads import at_once
from tests.wallet.support import findings, without_onramps
from wallet import services
from wallet.models import Balance, Entry, Hold, Transfer, Wallet
from wallet.services import holding

pytestmark = pytest.mark.django_db
End = Callable[[Hold], Transfer]


@pytest.fixture
def ana() -> Wallet:
    without_onramps()
    return make_wallet(balance_minor=1_000)


def afresh(held: Hold) -> Hold:
    return Hold.objects.get(pk=held.pk)


def parts(held: Hold) -> tuple[int, int, str]:
    held = afresh(held)
    return held.captured_minor, held.released_minor, held.status


class TestHold:
    def test_moves_money_from_available_to_locked_in_one_entry(self, ana: Wallet) -> None:
        held = hold(ana, 300)

        entry = Entry.objects.get(transfer=held.transfer)
        assert (entry.wallet_id, entry.delta_available_minor, entry.delta_locked_minor) == (
            *(ana.pk, -300, 300),
        )
        assert (available(ana), locked(ana)) == (700, 300)
        assert Balance.objects.get(wallet=ana).total_minor == 1_000
        assert findings() == []

    def test_is_made_once_for_a_key(self, ana: Wallet) -> None:
        key = uuid4()

        assert hold(ana, 300, idempotency_key=key) == hold(ana, 300, idempotency_key=key)

        assert locked(ana) == 300

    def test_refuses_a_key_that_stands_for_something_else(self, ana: Wallet) -> None:
        key = uuid4()
        send(ana, make_wallet(), 300, key=key)

        with pytest.raises(services.AlreadyUsed):
            hold(ana, 300, idempotency_key=key)

        assert locked(ana) == 0

    @pytest.mark.parametrize(
        ("amount_minor", "refusal"),
        [
            (1_001, services.InsufficientFunds),
            (0, services.AmountOutOfRange),
            (-5, services.AmountOutOfRange),
        ],
    )
    def test_of_more_than_there_is_or_of_nothing_is_refused(
        self, ana: Wallet, amount_minor: int, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            hold(ana, amount_minor)

        assert (available(ana), locked(ana)) == (1_000, 0)

    def test_looks_at_what_is_available_not_at_the_total(self, ana: Wallet) -> None:
        hold(ana, 600)

        with pytest.raises(services.InsufficientFunds, match=r"You have ₹4\.00"):
            hold(ana, 500)

    @pytest.mark.parametrize("status", ["debit_frozen", "frozen", "closed"])
    def test_of_a_frozen_wallet_is_refused(self, ana: Wallet, status: str) -> None:
        services.set_status(wallet_id=ana.pk, status=Wallet.Status(status))

        with pytest.raises(services.WalletFrozen):
            hold(ana, 300)


class TestCapture:
    def test_takes_all_that_remains_out_of_the_wallet(self, ana: Wallet) -> None:
        held = hold(ana, 300)

        transfer = capture(held)

        payer = Entry.objects.get(transfer=transfer, wallet=ana)
        assert (payer.delta_available_minor, payer.delta_locked_minor) == (0, -300)
        assert (transfer.kind, transfer.target.name) == ("payout", "Banyan Bank")
        assert (available(ana), locked(ana)) == (700, 0)
        assert parts(held) == (300, 0, "closed")
        assert findings() == []

    def test_in_parts_leaves_the_rest_on_hold(self, ana: Wallet) -> None:
        held = hold(ana, 300)

        capture(held, 100)
        release(held, 50)

        assert (available(ana), locked(ana)) == (750, 150)
        assert parts(held) == (100, 50, "open")
        capture(held)
        assert parts(held) == (250, 50, "closed")
        assert findings() == []

    @pytest.mark.parametrize("amount_minor", [301, 0, -1])
    def test_of_more_than_remains_or_of_nothing_is_refused(
        self, ana: Wallet, amount_minor: int
    ) -> None:
        held = hold(ana, 300)

        with pytest.raises(services.HoldSpent):
            capture(held, amount_minor)

        assert (locked(ana), parts(held)) == (300, (0, 0, "open"))

    @pytest.mark.parametrize("end", [capture, release])
    def test_of_what_was_captured_or_released_is_refused(self, ana: Wallet, end: End) -> None:
        held = hold(ana, 300)
        end(held)

        for again in (capture, release):
            with pytest.raises(services.HoldSpent):
                again(held)

    def test_happens_once_for_a_key(self, ana: Wallet) -> None:
        held, key = hold(ana, 300), uuid4()

        first = capture(held, 100, idempotency_key=key)

        assert capture(held, 100, idempotency_key=key) == first
        assert capture(held, idempotency_key=key) == first
        assert parts(held) == (100, 0, "open")

    def test_refuses_a_key_that_stands_for_a_release(self, ana: Wallet) -> None:
        held, key = hold(ana, 300), uuid4()
        release(held, 100, idempotency_key=key)

        with pytest.raises(services.AlreadyUsed):
            capture(held, 100, idempotency_key=key)

    @pytest.mark.parametrize("end", [capture, release])
    def test_is_owed_whatever_the_status_of_the_wallet(self, ana: Wallet, end: End) -> None:
        held = hold(ana, 300)
        services.set_status(wallet_id=ana.pk, status=Wallet.Status.FROZEN)

        end(held)

        assert locked(ana) == 0


class TestExpiry:
    def test_releases_what_remains_of_a_hold_whose_time_is_over(self, ana: Wallet) -> None:
        now = timezone.now()
        over = hold(ana, 300, expires_at=now + timedelta(hours=1), now=now)
        capture(over, 100)
        lasting = hold(ana, 200)
        later = hold(ana, 50, expires_at=now + timedelta(hours=3), now=now)

        assert services.expire_holds(now=now + timedelta(hours=2)) == 1

        assert (available(ana), locked(ana)) == (650, 250)
        assert parts(over) == (100, 200, "closed")
        assert [parts(held)[2] for held in (lasting, later)] == ["open", "open"]
        assert services.expire_holds(now=now + timedelta(hours=2)) == 0
        assert findings() == []

    def test_leaves_alone_what_was_released_while_it_waited(self, ana: Wallet) -> None:
        now = timezone.now()
        seen = hold(ana, 300, expires_at=now + timedelta(hours=1), now=now)
        after = now + timedelta(hours=2)
        release(seen, now=after)

        holding._expire(seen, after)

        assert parts(seen) == (0, 300, "closed")

    def test_stops_a_capture_but_not_a_release(self, ana: Wallet) -> None:
        now = timezone.now()
        held = hold(ana, 300, expires_at=now + timedelta(hours=1), now=now)
        after = now + timedelta(hours=1)

        with pytest.raises(services.HoldSpent, match="time of this hold is over"):
            capture(held, now=after)

        release(held, now=after)
        assert locked(ana) == 0


@pytest.mark.django_db(transaction=True)
class TestHoldsAtOnce:
    def test_end_once_when_expiry_and_release_meet(self) -> None:
        """Guard: a hold is read under the lock of its balance."""
        ana, now = make_wallet(balance_minor=1_000), timezone.now()
        held = hold(ana, 300, expires_at=now + timedelta(hours=1), now=now)
        after = now + timedelta(hours=2)

        expire: Callable[[], object] = partial(services.expire_holds, now=after)
        give_back: Callable[[], object] = partial(release, held, now=after)

        outcomes = at_once([expire, give_back] * 3)

        # Whoever comes too late to release is told so; the clock just goes on.
        assert [o for o in outcomes[::2] if isinstance(o, Exception)] == []
        assert (available(ana), locked(ana)) == (1_000, 0)
        assert parts(held) == (0, 300, "closed")
        assert Transfer.objects.filter(kind="release").count() == 1

    def test_need_a_transaction(self) -> None:
        with pytest.raises(TransactionManagementError):
            services.hold(
                actor_id=1,
                wallet_id=make_wallet().pk,
                amount_minor=1,
                purpose=Hold.Purpose.WITHDRAWAL,
                note="",
                idempotency_key=uuid4(),
                now=timezone.now(),
            )

    def test_do_not_end_at_commit_without_their_money(self) -> None:
        """Guard: hold_locks_its_money."""
        ana = make_wallet(balance_minor=1_000)

        ended = {"captured_minor": 300, "status": "closed", "closed_at": timezone.now()}

        with pytest.raises(DatabaseError, match="open holds set aside"):
            Hold.objects.filter(pk=hold(ana, 300).pk).update(**ended)

        assert (available(ana), locked(ana)) == (700, 300)
