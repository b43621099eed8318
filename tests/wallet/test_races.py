"""Many at once, with real threads and connections. Each test fails without the guard it names."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from nexapay.kernel.db import constraint
from tests.factories import available, fund, make_wallet, send
from tests.threads import alone, at_once, behind_us
from tests.wallet.support import clock, movement
from wallet import audit, journal, services
from wallet.models import Balance, Entry, Transfer, Wallet

pytestmark = pytest.mark.django_db(transaction=True)


def assert_books_agree() -> None:
    assert audit.run(clock=timezone.now).findings == []


class TestRaces:
    def test_only_one_of_fifty_sends_of_the_whole_balance_succeeds(self) -> None:
        """Guard: the funds are checked under the lock."""
        ana, ben = make_wallet(balance_minor=10_000), make_wallet()

        outcomes = at_once([partial(send, ana, ben, 10_000) for _ in range(50)], workers=25)

        refused = [o for o in outcomes if isinstance(o, services.InsufficientFunds)]
        assert (len(refused), len(outcomes)) == (49, 50)
        assert (available(ana), available(ben)) == (0, 10_000)
        assert_books_agree()

    def test_sends_both_ways_all_go_through_without_a_deadlock(self) -> None:
        """Guard: balance rows are locked in wallet order, before any foreign key touches them."""
        ana, ben = make_wallet(balance_minor=100_000), make_wallet(balance_minor=100_000)
        pairs = [(ana, ben), (ben, ana)] * 120

        outcomes = at_once([partial(send, a, b, 10) for a, b in pairs], workers=16)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert (available(ana), available(ben)) == (100_000, 100_000)
        assert Transfer.objects.filter(kind="send").count() == 240
        assert_books_agree()

    def test_a_ring_of_people_paying_each_other_loses_nothing(self) -> None:
        """Guard: the same, with more than two rows."""
        ring = [make_wallet(balance_minor=1_000) for _ in range(5)]
        hops = [(ring[i % 5], ring[(i * 3 + 1) % 5]) for i in range(100)]
        acts = [partial(send, a, b, 7) for a, b in hops if a != b]

        outcomes = at_once(acts, workers=16)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert sum(available(wallet) for wallet in ring) == 5_000
        assert_books_agree()

    def test_one_key_from_twenty_threads_makes_one_transfer_and_one_answer(self) -> None:
        """Guard: the key is looked up under the lock, and is unique for each actor."""
        ana, ben, key = make_wallet(balance_minor=10_000), make_wallet(), uuid4()

        outcomes = at_once([partial(send, ana, ben, 100, key=key) for _ in range(20)])

        assert {o.pk if isinstance(o, Transfer) else o for o in outcomes} == {
            Transfer.objects.get(kind="send").pk
        }
        assert available(ben) == 100

    def test_one_key_used_from_two_wallets_at_once_moves_money_from_one(self) -> None:
        """Guard: transfer_key_once_per_actor; no common row is locked here."""
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        assert ana.owner_id
        other = services.open_wallet(owner_id=ana.owner_id, name="Euros", currency="EUR")
        other_payee = services.open_wallet(owner_id=ben.owner_id, name="E", currency="EUR")  # type: ignore[arg-type]
        fund(other, 1_000)
        acts = [
            partial(send, ana, ben, 100, key=key),
            partial(send, other, other_payee, 100, key=key),
        ]

        outcomes = at_once(acts * 5, workers=10)

        kinds = {type(o) for o in outcomes}
        assert kinds == {Transfer, services.AlreadyUsed}
        assert Transfer.objects.filter(kind="send").count() == 1

    def test_bank_credits_to_everyone_at_once_do_not_queue_for_a_settlement_row(self) -> None:
        """Guard: settlement keeps no balance row, so its entries need no version."""
        people = [make_wallet() for _ in range(5)]

        outcomes = at_once([partial(fund, wallet, 100) for wallet in people * 12], workers=20)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert [available(wallet) for wallet in people] == [1_200] * 5
        assert_books_agree()

    def test_a_freeze_lets_nothing_leave_once_it_is_done(self) -> None:
        """Guard: the status is read after the lock, in a statement of its own."""
        ana, ben = make_wallet(balance_minor=1_000), make_wallet()
        freeze = partial(services.set_status, wallet_id=ana.pk, status=Wallet.Status.FROZEN)

        outcomes = at_once(
            [partial(send, ana, ben, 10)] * 20 + [freeze] + [partial(send, ana, ben, 10)] * 20
        )

        left = available(ana)
        with pytest.raises(services.WalletFrozen):
            send(ana, ben, 10)
        sent = sum(isinstance(o, Transfer) for o in outcomes)
        assert left == 1_000 - 10 * sent
        assert_books_agree()

    def test_no_entry_is_stamped_earlier_than_the_one_before_it(self) -> None:
        """Guard: the clock is read after the lock, not when the transaction began."""
        ana, ben = make_wallet(balance_minor=100_000), make_wallet(balance_minor=100_000)

        at_once([partial(send, a, b, 10) for a, b in [(ana, ben), (ben, ana)] * 50], workers=16)

        for wallet in (ana, ben):
            stamps = Entry.objects.filter(wallet=wallet).order_by("version")
            times = list(stamps.values_list("created_at", flat=True))
            assert times == sorted(times)


class TestLock:
    """One at a time, step by step: these fail every time their guard is gone, not most times."""

    def test_makes_the_next_payment_wait_and_see_what_this_one_left(self) -> None:
        """Guard: the balance row is locked, and the funds are checked under the lock."""
        ana, ben, cem = make_wallet(balance_minor=100), make_wallet(), make_wallet()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                balances = journal.lock([ana.pk, ben.pk])
                second = behind_us(pool, partial(send, ana, cem, 100))
                journal.post([movement(ana, ben, 100)], balances, posted_at=clock())

            with pytest.raises(services.InsufficientFunds):
                second.result()

        assert (available(ana), available(ben), available(cem)) == (0, 100, 0)

    def test_takes_the_rows_in_wallet_order_however_they_lie(self) -> None:
        """Guard: order_by. Asked backwards, and with the first row last in the table."""
        low, high = make_wallet(), make_wallet()
        Balance.objects.filter(wallet=low).update(version=0)  # Moves it behind the other one.

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                journal.lock([high.pk])
                second = behind_us(pool, partial(lock_by_reading_the_table, high.pk, low.pk))

                with pytest.raises(OperationalError, match="could not obtain lock"):
                    lock_now(low, "FOR NO KEY UPDATE")
            second.result()

    def test_lets_a_foreign_key_name_the_row_meanwhile(self) -> None:
        """Guard: no_key. What refers to a balance is written while a payment holds it."""
        ana = make_wallet()

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            journal.lock([ana.pk])
            pool.submit(alone, partial(lock_now, ana, "FOR KEY SHARE")).result()

    def test_is_followed_by_a_look_at_the_status(self) -> None:
        """Guard: the status is read after the lock. A freeze that came first has come first."""
        ana, ben = make_wallet(balance_minor=100), make_wallet()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                services.set_status(wallet_id=ana.pk, status=Wallet.Status.FROZEN)
                sending = behind_us(pool, partial(send, ana, ben, 10))

            with pytest.raises(services.WalletFrozen):
                sending.result()

        assert available(ana) == 100

    def test_is_followed_by_a_look_at_the_clock(self) -> None:
        """Guard: the clock is read after the lock, not when the transaction began."""
        ana, ben = make_wallet(balance_minor=100), make_wallet(balance_minor=100)

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                balances = journal.lock([ana.pk, ben.pk])
                sending = behind_us(pool, partial(send, ana, ben, 10))
                [first] = journal.post([movement(ben, ana, 1)], balances, posted_at=clock())
            second = sending.result()

        assert second.posted_at > first.posted_at

    def test_is_followed_by_a_look_for_the_key(self) -> None:
        """Guard: the key is looked up after the lock; the answer is the first transfer."""
        ana, ben = make_wallet(balance_minor=100), make_wallet()
        asked = movement(ana, ben, 100)

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                balances = journal.lock([ana.pk, ben.pk])
                again = behind_us(pool, partial(send, ana, ben, 100, key=asked.idempotency_key))
                [first] = journal.post([asked], balances, posted_at=clock())

            assert again.result() == first

        assert available(ben) == 100

    def test_if_it_is_forgotten_turns_a_lost_update_into_an_error(self) -> None:
        """Guard: entry_version_once. Two read the same balance; only one may write the next."""
        ana, ben, cem = make_wallet(balance_minor=100), make_wallet(), make_wallet()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                post_without_a_lock(ana, ben, 100)
                second = behind_us(pool, partial(post_without_a_lock, ana, cem, 100))

            with pytest.raises(IntegrityError) as refusal:
                second.result()

        assert constraint(refusal.value) == "entry_version_once"
        assert (available(ana), available(ben), available(cem)) == (0, 100, 0)


def post_without_a_lock(source: Wallet, target: Wallet, amount_minor: int) -> None:
    balances = {row.wallet_id: row for row in Balance.objects.filter(wallet__in=[source, target])}
    with transaction.atomic():
        journal.post([movement(source, target, amount_minor)], balances, posted_at=clock())


def lock_by_reading_the_table(*wallet_ids: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        journal.lock(wallet_ids)


def lock_now(wallet: Wallet, strength: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT FROM wallet_balance WHERE wallet_id = %s {strength} NOWAIT", [wallet.pk]
        )
