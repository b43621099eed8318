"""The journal by itself: its hashes are the database's own, and one statement serves a thousand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import available, make_wallet
from tests.wallet.forge import sql
from tests.wallet.support import bank, findings, movement, post, without_onramps
from wallet import journal
from wallet.journal import Movement
from wallet.models import Entry, Transfer, Wallet

pytestmark = pytest.mark.django_db

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BIG = 2**63 - 1


@pytest.fixture(autouse=True)
def _by_itself(db: None) -> None:
    without_onramps()


@pytest.fixture
def ana() -> Wallet:
    return make_wallet(balance_minor=1_000)


@pytest.fixture
def ben() -> Wallet:
    return make_wallet()


def fingerprint_in_sql(m: Movement) -> bytes:
    [[digest]] = sql(
        "SELECT wallet_transfer_fingerprint(%s, %s, %s, %s, %s, %s, %s, %s)",
        *(m.kind.value, m.source_id, m.target_id, m.amount_minor, m.currency, m.actor_id),
        *(m.idempotency_key, m.note),
    )
    return bytes(digest)


class TestFingerprint:
    @pytest.mark.parametrize(
        "terms",
        [
            {"note": "🫖 चाय"},
            {"note": "a|b|c"},
            {"note": r"C:\x41 \\ \101 \'"},
            {"note": "two\nlines\r\n"},
            {"note": " "},
            {"note": "\u202eright to left"},
            {"note": "e\u0301 is not \u00e9"},
            {"note": "x" * 280},
            {"amount_minor": 1},
            {"amount_minor": BIG},
            {"actor_id": None},
            {"idempotency_key": UUID(int=0)},
            {"idempotency_key": UUID(int=2**128 - 1)},
            {"kind": Transfer.Kind.ONRAMP},
            {"source_id": BIG, "target_id": 1},
        ],
    )
    def test_is_the_same_in_python_and_in_sql(
        self, ana: Wallet, ben: Wallet, terms: dict[str, Any]
    ) -> None:
        asked = movement(ana, ben, **terms)

        assert asked.fingerprint == fingerprint_in_sql(asked)

    def test_tells_every_term_apart(self, ana: Wallet, ben: Wallet) -> None:
        same: dict[str, Any] = {"idempotency_key": UUID(int=7)}
        asked = [
            movement(ana, ben, **same),
            movement(ben, ana, **same),
            movement(ana, ben, 11, **same),
            movement(ana, ben, **same | {"note": "|"}),
            movement(ana, ben, **same | {"currency": "EUR"}),
            movement(ana, ben, **same | {"actor_id": None}),
            movement(ana, ben, **same | {"kind": Transfer.Kind.ONRAMP}),
            movement(ana, ben, idempotency_key=UUID(int=8)),
        ]

        assert len({m.fingerprint for m in asked}) == len(asked)

    def test_does_not_depend_on_when_or_under_which_name(self, ana: Wallet, ben: Wallet) -> None:
        key = uuid4()
        first = movement(ana, ben, idempotency_key=key, happened_at=EPOCH)

        assert first.fingerprint == movement(ana, ben, idempotency_key=key).fingerprint


class TestEntryHash:
    """The database compares every hash with its own, so what is posted has the same."""

    @pytest.mark.parametrize(
        "terms",
        [
            {"note": "🫖|\n"},
            {"actor_id": None},
            {"amount_minor": 10**15},
            {"happened_at": EPOCH},
            {"happened_at": EPOCH - timedelta(microseconds=1)},
            {"happened_at": datetime(1900, 1, 1, tzinfo=UTC)},
            {"happened_at": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
            {"happened_at": datetime(2026, 2, 3, 4, 5, 6, 999_999, tzinfo=UTC)},
            {"happened_at": datetime(2026, 2, 3, 4, 5, 6, 1, tzinfo=UTC)},
            {"happened_at": datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
            {"happened_at": datetime.fromisoformat("2026-02-03T04:05:06.999999+05:30")},
        ],
    )
    def test_of_odd_input_is_the_database_s_own(self, ben: Wallet, terms: dict[str, Any]) -> None:
        post(movement(bank(), ben, **terms))

        assert findings() == []

    def test_holds_up_to_the_largest_amount_there_is(self, ben: Wallet) -> None:
        post(movement(bank(), ben, BIG))

        assert available(ben) == BIG
        assert findings() == []

    def test_keeps_a_wallet_s_history_in_order_when_a_clock_goes_back(
        self, ana: Wallet, ben: Wallet
    ) -> None:
        [later] = post(movement(ana, ben))
        [earlier] = post(movement(ben, ana, happened_at=EPOCH))

        assert earlier.happened_at == later.happened_at
        assert findings() == []


class TestBatch:
    def test_of_nothing_is_nothing(self) -> None:
        assert post() == []
        assert not Transfer.objects.exists()

    def test_of_a_thousand_chains_a_wallet_that_comes_again_and_again(
        self, ana: Wallet, ben: Wallet
    ) -> None:
        cem = make_wallet()
        round_trip = [(bank(), ana), (ana, ben), (ben, cem), (cem, ana)]
        movements = [movement(*round_trip[i % 4], 1 + i // 4 % 3) for i in range(1_000)]

        transfers = post(*movements)

        assert len({transfer.pk for transfer in transfers}) == 1_000
        numbers = Entry.objects.order_by("version").values_list("version", flat=True)
        assert list(numbers.filter(wallet=ana)) == list(range(1, 752))
        assert list(numbers.filter(wallet=cem)) == list(range(1, 501))
        assert (available(ben), available(cem)) == (0, 0)
        assert findings() == []

    def test_chains_each_entry_to_the_one_before_it(self, ana: Wallet, ben: Wallet) -> None:
        post(movement(ana, ben, 1), movement(ben, ana, 1), movement(ana, ben, 2))

        entries = list(Entry.objects.filter(wallet=ana).order_by("version"))
        for before, after in pairwise(entries):
            assert bytes(after.prev_hash) == bytes(before.hash)
            assert after.available_before_minor == before.available_after_minor

    def test_returns_the_transfers_in_the_order_asked(self, ana: Wallet, ben: Wallet) -> None:
        movements = [movement(ana, ben, amount) for amount in (7, 3, 5)]

        transfers = post(*movements)

        assert [t.public_id for t in transfers] == [m.public_id for m in movements]
        stored = Transfer.objects.in_bulk([t.pk for t in transfers])
        assert [stored[t.pk].amount_minor for t in transfers] == [7, 3, 5]


class TestWalletsThatTrackNoBalance:
    def test_may_pay_each_other_without_a_version_or_a_lock(self) -> None:
        one, other = bank("One"), bank("Other")

        [transfer] = post(movement(one, other, 500, kind=Transfer.Kind.CORRECTION))

        entries = Entry.objects.filter(transfer=transfer).order_by("delta_available_minor")
        assert list(entries.values_list("wallet", "delta_available_minor", "version")) == [
            (one.pk, -500, None),
            (other.pk, 500, None),
        ]
        assert findings() == []

    def test_are_not_locked(self) -> None:
        assert journal.lock([bank().pk]) == {}

    def test_go_below_zero_and_nobody_else_does(self, ana: Wallet, ben: Wallet) -> None:
        post(movement(bank(), ana, 5_000), movement(ana, ben, 6_000))

        assert (available(ana), available(ben)) == (0, 6_000)
        assert findings() == []
