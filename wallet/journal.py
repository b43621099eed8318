"""
The only code that changes a Balance or adds a Transfer or an Entry: lock, then post.

The order is fixed: lock the balance rows once, in wallet order; check; post everything in one
statement. The database judges that statement as a whole (migrations 0014, 0017) and refuses
what does not balance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from nexapay.kernel import ids
from nexapay.kernel.arrays import columns
from nexapay.kernel.postgresql.base import LastWords
from nexapay.kernel.prepared import (
    Call,
    IsAnyOf,
    Prepared,
    at_commit,
    columns_of,
    instance,
    together,
)
from nexapay.kernel.wire import Rows
from wallet.models import Balance, Transfer
from wallet.sql import POST, SEND, credit


def _locking(*columns: str) -> "QuerySet[Balance, tuple[Any, ...]]":
    locked = Balance.objects.select_for_update(no_key=True).filter(IsAnyOf("wallet_id"))
    return locked.order_by("wallet_id").values_list(*columns)


_LOCKED = Prepared(lambda: _locking(*columns_of(Balance)))
_LOCK = Prepared(lambda: _locking("wallet_id"))  # SEND reads the balances where it moves them.
_POST, _SEND = Prepared(POST), Prepared(SEND)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GENESIS = bytes(32)
_Kind = Transfer.Kind
_LOCKING = {_Kind.HOLD.value, _Kind.RELEASE.value, _Kind.PAYOUT.value}


@dataclass(frozen=True, kw_only=True)
class Movement:
    """
    One transfer to be: amount_minor minor units of currency from source to target.

    For a hold or a release the two are the same wallet.
    """

    kind: Transfer.Kind
    source_id: int
    target_id: int
    amount_minor: int
    currency: str
    actor_id: int | None
    idempotency_key: UUID
    note: str
    happened_at: datetime
    public_id: UUID = field(default_factory=ids.new)

    @property
    def fingerprint(self) -> bytes:
        """What was asked, hashed; wallet_transfer_fingerprint in migration 0013 is the same."""
        actor = "" if self.actor_id is None else self.actor_id
        said = (
            f"transfer-1|{self.kind.value}|{self.source_id}|{self.target_id}|{self.amount_minor}|"
            f"{self.currency}|{actor}|{self.idempotency_key}|{self.note}"
        )
        return sha256(said.encode()).digest()


def lock(wallet_ids: Iterable[int]) -> dict[int, Balance]:
    """
    Lock the balance rows of the wallets until the transaction ends, and return them by wallet.

    Always in wallet order, so A->B and B->A cannot deadlock. NO KEY: a foreign key's lock on the
    same row does not wait. Wallets that track no balance have no row and are not locked.
    """
    return _by_wallet(_LOCKED.rows(sorted(set(wallet_ids))))


def lock_and_read(
    wallet_ids: Iterable[int], *queries: Call
) -> tuple[dict[int, Balance], list[Rows]]:
    """
    Lock as lock() does and, in the same round trip, run queries after that.

    They are statements of their own, so they see what was committed while the lock was waited for.
    """
    locked, *read = together((_LOCKED, (sorted(set(wallet_ids)),)), *queries)
    return _by_wallet(locked), read


def lock_and_send(movement: Movement, *, can_pay: str, can_be_paid: str) -> "Sent":
    """
    Lock both balances as lock() does and move the money of one payment, as this transaction ends.

    can_pay and can_be_paid are array literals of the statuses that wallets may have.

    It is one round trip from BEGIN to COMMIT. What the database refuses, the atomic block around
    this raises at its end.
    """
    pair = sorted((movement.source_id, movement.target_id))
    asked = (
        movement.public_id,
        movement.source_id,
        movement.target_id,
        movement.amount_minor,
        movement.actor_id,
        movement.idempotency_key,
        movement.note,
        movement.happened_at,
        can_pay,
        can_be_paid,
    )
    return Sent(movement, at_commit((_LOCK, (pair,)), (_SEND, asked)))


class Sent(NamedTuple):
    """A payment on its way: read what became of it when its transaction has ended."""

    movement: Movement
    words: LastWords

    def transfer(self) -> Transfer | None:
        """
        Return the transfer, if it is in the books now.

        None means that something it depends on did not hold when the balances were locked: a
        wallet's status or currency, the funds, or a key used before. Nothing moved then.
        """
        _, posted = self.words.rows
        if not posted:
            return None
        pk, *known = posted[0]
        return instance(Transfer, (pk, *_columns(self.movement, *known)))


def credit_statement(carried: dict[str, str], then: str) -> Prepared:
    """Return what crediting() says, with what sql.credit() makes of carried and then."""
    return Prepared(credit(carried, then))


def crediting(
    by: Prepared, rounds: Sequence[Sequence["Owed"]], *, happened_at: datetime
) -> list[Call]:
    """
    Return what locks the balances as lock() does and credits all, round by round.

    No round has a wallet twice: each entry is chained to the one before it. What cannot be credited
    is left out: what stands in by has to fail where a credit is missing.
    """
    wallets = sorted({row[0] for each in rounds for row in each})
    return [(_LOCK, (wallets,)), *[(by, _credited(each, happened_at)) for each in rounds]]


def _credited(owed: Sequence["Owed"], happened_at: datetime) -> tuple[object, ...]:
    return (happened_at, ids.many(len(owed)), *columns(owed, len(owed[0])))


# What a bank owes a wallet: wallet, bank, amount_minor, currency, idempotency_key, and whatever
# credit_statement() was told to carry.
Owed = tuple[int, str, int, str, UUID, *tuple[object, ...]]


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
    rows = [_row(movement, balances, posted_at) for movement in movements]
    entries = [_entry(row, leg, balances.get(leg.wallet_id)) for row in rows for leg in _legs(row)]
    touched = {held.wallet_id: held for m in movements for held in _held_by(m, balances)}
    pks = _write(rows, entries, list(touched.values()))
    return [instance(Transfer, (pks[row.public_id], *row)) for row in rows]


class _Row(NamedTuple):
    """A transfer's columns, in the order of wallet/sql.py and of the model."""

    public_id: UUID
    kind: str
    source_id: int
    target_id: int
    amount_minor: int
    currency: str
    actor_id: int | None
    idempotency_key: UUID
    fingerprint: bytes
    note: str
    happened_at: datetime
    posted_at: datetime


class _Leg(NamedTuple):
    """What a transfer changes of one wallet: minor units that can be spent, and locked ones."""

    wallet_id: int
    available_minor: int
    locked_minor: int = 0


def _legs(row: _Row) -> tuple[_Leg, ...]:
    source_id, minor = row.source_id, row.amount_minor
    if row.kind not in _LOCKING:
        return (_Leg(source_id, -minor), _Leg(row.target_id, minor))
    if row.kind == _Kind.HOLD:
        return (_Leg(source_id, -minor, minor),)
    if row.kind == _Kind.RELEASE:
        return (_Leg(source_id, minor, -minor),)
    return (_Leg(source_id, 0, -minor), _Leg(row.target_id, minor))


def _held_by(movement: Movement, balances: dict[int, Balance]) -> list[Balance]:
    pair = (movement.source_id, movement.target_id)
    return [balances[wallet_id] for wallet_id in pair if wallet_id in balances]


def _row(m: Movement, balances: dict[int, Balance], posted_at: datetime) -> _Row:
    # A wallet's history never runs backwards, whatever the clocks of two servers say.
    earlier = [held.happened_at for held in _held_by(m, balances) if held.happened_at]
    return _columns(m, m.currency, m.fingerprint, max([m.happened_at, *earlier]), posted_at)


def _columns(
    m: Movement, currency: str, fingerprint: bytes, happened_at: datetime, posted_at: datetime
) -> _Row:
    asked = (m.public_id, m.kind.value, m.source_id, m.target_id, m.amount_minor)
    key = (m.actor_id, m.idempotency_key)
    return _Row(*asked, currency, *key, fingerprint, m.note, happened_at, posted_at)


def _entry(row: _Row, leg: _Leg, balance: Balance | None) -> tuple[object, ...]:
    """Return one entry's columns, in the order of wallet/sql.py, and move its balance along."""
    if balance is None:
        digest = _entry_hash(_GENESIS, row, leg, "", "", "")
        nothing = (None, None, None, None, None)
        return (row.public_id, *leg, *nothing, _GENESIS, digest)
    prev_hash, version = bytes(balance.head_hash), balance.version + 1
    before, locked_before = balance.available_minor, balance.locked_minor
    after, locked_after = before + leg.available_minor, locked_before + leg.locked_minor
    digest = _entry_hash(prev_hash, row, leg, version, after, locked_after)
    balance.version, balance.head_hash, balance.happened_at = version, digest, row.happened_at
    balance.available_minor, balance.locked_minor = after, locked_after
    numbers = (version, before, after, locked_before, locked_after)
    return (row.public_id, *leg, *numbers, prev_hash, digest)


def _entry_hash(
    prev_hash: bytes,
    row: _Row,
    leg: _Leg,
    version: int | str,
    available_after_minor: int | str,
    locked_after_minor: int | str,
) -> bytes:
    """Chain one entry to the one before it; wallet_entry_hash in migration 0013 is the same."""
    said = (
        f"entry-1|{row.public_id}|{row.fingerprint.hex()}|{leg.wallet_id}|{row.currency}|{version}|"
        f"{leg.available_minor}|{leg.locked_minor}|{available_after_minor}|{locked_after_minor}|"
        f"{_micros(row.happened_at)}|{_micros(row.posted_at)}"
    )
    return sha256(prev_hash + said.encode()).digest()


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _write(
    rows: list[_Row], entries: list[tuple[object, ...]], balances: list[Balance]
) -> dict[UUID, int]:
    held = [
        (b.wallet_id, b.available_minor, b.locked_minor, b.version, b.head_hash, b.happened_at)
        for b in balances
    ]
    wallets, *others = columns(held, 6)  # Again, they bound what is read, whatever is planned.
    posted = _POST.rows(*columns(rows, 12), *columns(entries, 11), wallets, *others, wallets)
    return {public_id: pk for pk, public_id in posted}
