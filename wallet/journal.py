"""
The only code that changes a Balance or adds a Transfer or an Entry: lock, then post.

The order is fixed: lock the balance rows once, in wallet order; check; post everything in one
statement. The database judges that statement as a whole (migration 0002) and refuses what does
not balance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from nexapay.kernel.arrays import columns
from nexapay.kernel.prepared import Asked, IsAnyOf, Prepared, columns_of, instance, together
from nexapay.kernel.wire import Rows
from wallet.models import Balance, Transfer
from wallet.sql import POST

_LOCKED = Prepared(
    lambda: (
        Balance.objects.select_for_update(no_key=True)
        .filter(IsAnyOf("wallet_id"))
        .order_by("wallet_id")
        .values_list(*columns_of(Balance))
    )
)
_POST = Prepared(POST)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GENESIS = bytes(32)


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One transfer to be: amount_minor minor units of currency from source to target."""

    kind: Transfer.Kind
    source_id: int
    target_id: int
    amount_minor: int
    currency: str
    actor_id: int | None
    idempotency_key: UUID
    note: str
    happened_at: datetime
    public_id: UUID = field(default_factory=uuid4)

    @property
    def fingerprint(self) -> bytes:
        """What was asked, hashed; wallet_transfer_fingerprint in migration 0002 is the same."""
        parts = (
            "transfer-1",
            self.kind.value,
            self.source_id,
            self.target_id,
            self.amount_minor,
            self.currency,
            "" if self.actor_id is None else self.actor_id,
            self.idempotency_key,
            self.note,
        )
        return sha256("|".join(map(str, parts)).encode()).digest()


def lock(wallet_ids: Iterable[int]) -> dict[int, Balance]:
    """
    Lock the balance rows of the wallets until the transaction ends, and return them by wallet.

    Always in wallet order, so A->B and B->A cannot deadlock. NO KEY: a foreign key's lock on the
    same row does not wait. Wallets that track no balance have no row and are not locked.
    """
    return _by_wallet(_LOCKED.rows(sorted(set(wallet_ids))))


def lock_and_read(
    wallet_ids: Iterable[int], *queries: Asked
) -> tuple[dict[int, Balance], list[Rows]]:
    """
    Lock as lock() does and, in the same round trip, run queries after that.

    They are statements of their own, so they see what was committed while the lock was waited for.
    """
    locked, *read = together((_LOCKED, (sorted(set(wallet_ids)),)), *queries)
    return _by_wallet(locked), read


def _by_wallet(rows: Rows) -> dict[int, Balance]:
    return {row[0]: instance(Balance, row) for row in rows}


def post(
    movements: Sequence[Movement], balances: dict[int, Balance], *, posted_at: datetime
) -> list[Transfer]:
    """
    Write the transfers, their entries and the new balances in one statement; return the transfers.

    balances are the locked rows of every wallet that tracks one; they are brought up to date.
    posted_at is the database's clock, read after the lock.

    :raises django.db.IntegrityError: if the database refuses: a key used before, a balance below
        zero, anything that does not add up.
    """
    transfers, entries = [], []
    for movement in movements:
        transfer = _transfer(movement, balances, posted_at)
        transfers.append(transfer)
        for wallet_id, delta in (
            (movement.source_id, -movement.amount_minor),
            (movement.target_id, movement.amount_minor),
        ):
            entries.append(_entry(transfer, wallet_id, delta, balances.get(wallet_id)))
    touched = {row.wallet_id: row for m in movements for row in _rows_of(m, balances)}
    ids = _write(transfers, entries, list(touched.values()))
    for transfer in transfers:
        transfer.pk = ids[transfer.public_id]
    return transfers


def _rows_of(movement: Movement, balances: dict[int, Balance]) -> list[Balance]:
    pair = (movement.source_id, movement.target_id)
    return [balances[wallet_id] for wallet_id in pair if wallet_id in balances]


def _transfer(m: Movement, balances: dict[int, Balance], posted_at: datetime) -> Transfer:
    # A wallet's history never runs backwards, whatever the clocks of two servers say.
    earlier = [row.happened_at for row in _rows_of(m, balances) if row.happened_at]
    return Transfer(
        public_id=m.public_id,
        kind=m.kind.value,
        source_id=m.source_id,
        target_id=m.target_id,
        amount_minor=m.amount_minor,
        currency=m.currency,
        actor_id=m.actor_id,
        idempotency_key=m.idempotency_key,
        fingerprint=m.fingerprint,
        note=m.note,
        happened_at=max([m.happened_at, *earlier]),
        posted_at=posted_at,
    )


def _entry(
    transfer: Transfer, wallet_id: int, delta_minor: int, balance: Balance | None
) -> tuple[object, ...]:
    """Return one entry's columns, in the order of wallet/sql.py, and move its balance along."""
    if balance is None:
        digest = _entry_hash(_GENESIS, transfer, wallet_id, None, delta_minor, None, None)
        numbers: tuple[int | None, ...] = (None, None, None, None, None)
        prev_hash = _GENESIS
    else:
        prev_hash, before = bytes(balance.head_hash), balance.available_minor
        balance.version += 1
        balance.available_minor += delta_minor
        after, locked = balance.available_minor, balance.locked_minor
        digest = _entry_hash(
            prev_hash, transfer, wallet_id, balance.version, delta_minor, after, locked
        )
        balance.head_hash, balance.happened_at = digest, transfer.happened_at
        numbers = (balance.version, before, after, locked, locked)
    return (
        transfer.public_id,
        wallet_id,
        transfer.currency,
        delta_minor,
        *numbers,
        prev_hash,
        digest,
        transfer.happened_at,
        transfer.posted_at,
    )


def _entry_hash(
    prev_hash: bytes,
    transfer: Transfer,
    wallet_id: int,
    version: int | None,
    delta_minor: int,
    available_after_minor: int | None,
    locked_after_minor: int | None,
) -> bytes:
    """Chain one entry to the one before it; wallet_entry_hash in migration 0002 is the same."""
    parts = (
        "entry-1",
        transfer.public_id,
        bytes(transfer.fingerprint).hex(),
        wallet_id,
        transfer.currency,
        "" if version is None else version,
        delta_minor,
        0,
        "" if available_after_minor is None else available_after_minor,
        "" if locked_after_minor is None else locked_after_minor,
        _micros(transfer.happened_at),
        _micros(transfer.posted_at),
    )
    return sha256(prev_hash + "|".join(map(str, parts)).encode()).digest()


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _write(
    transfers: list[Transfer], entries: list[tuple[object, ...]], balances: list[Balance]
) -> dict[UUID, int]:
    rows = [
        (
            t.public_id, t.kind, t.source_id, t.target_id, t.amount_minor, t.currency, t.actor_id,
            t.idempotency_key, t.fingerprint, t.note, t.happened_at, t.posted_at,
        )
        for t in transfers
    ]  # fmt: skip
    held = [
        (
            b.wallet_id,
            b.available_minor,
            b.locked_minor,
            b.version,
            bytes(b.head_hash),
            b.happened_at,
        )
        for b in balances
    ]
    posted = _POST.rows(*columns(rows, 12), *columns(entries, 13), *columns(held, 6))
    return {public_id: pk for pk, public_id in posted}
