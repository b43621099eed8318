"""Money that a bank has confirmed: one credit, or a thousand in one posting."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nexapay.kernel import db, events
from nexapay.kernel.prepared import Call, IsAnyOf, Prepared
from nexapay.kernel.wire import Rows
from wallet import journal
from wallet.events import TransferPosted
from wallet.journal import Movement, Owed
from wallet.models import Transfer, Wallet
from wallet.services.refusals import AlreadyUsed, CurrencyMismatch
from wallet.services.wallets import settlement_wallet

_CURRENCIES = Prepared(
    lambda: Wallet.objects.filter(IsAnyOf("pk")).values_list("pk", "currency", db.ClockTimestamp())
)
_SOURCES = Prepared(
    lambda: Wallet.objects.filter(
        IsAnyOf("name", "text"), owner=None, kind=Wallet.Kind.SETTLEMENT
    ).values_list("name", "currency", "pk")
)
_EARLIER = Prepared(
    lambda: Transfer.objects.filter(IsAnyOf("idempotency_key", "uuid"), actor=None).values_list(
        "pk"
    )
)

_MOST_ROUNDS = 4  # A wallet that is credited more often than that is read, and reckoned here.


@dataclass(frozen=True, kw_only=True)
class Credit:
    """
    What a bank owes a wallet: amount_minor minor units of currency, once for each key.

    kind is onramp, or return for money that the bank paid out and got back.
    """

    bank: str
    wallet_id: int
    amount_minor: int
    currency: str
    idempotency_key: UUID
    note: str = ""
    kind: Transfer.Kind = Transfer.Kind.ONRAMP


def credit_from_bank(
    *,
    bank: str,
    wallet_id: int,
    amount_minor: int,
    currency: str,
    idempotency_key: UUID,
    note: str,
    now: datetime,
    kind: Transfer.Kind = Transfer.Kind.ONRAMP,
) -> Transfer:
    """Credit what a bank confirmed, as credit_all_from_bank does."""
    credit = Credit(
        bank=bank,
        wallet_id=wallet_id,
        amount_minor=amount_minor,
        currency=currency,
        idempotency_key=idempotency_key,
        note=note,
        kind=kind,
    )
    return credit_all_from_bank(credits=[credit], now=now)[0]


def credit_all_from_bank(*, credits: Sequence[Credit], now: datetime) -> list[Transfer]:
    """
    Credit what banks confirmed, inside the caller's transaction; return the transfers, in order.

    Each is owed whatever the wallet's status: a frozen wallet keeps it and cannot spend it. A key
    that comes again, in this call or since an earlier one, stands for its first transfer.

    :raises TransferRefused: if a currency is not its wallet's, or a key stands for another act.
    """
    if not credits:
        return []
    ids = [credit.wallet_id for credit in credits]
    balances, [rows, banks, earlier] = journal.lock_and_read(
        ids,
        (_CURRENCIES, (ids,)),
        (_SOURCES, ([credit.bank for credit in credits],)),
        (_EARLIER, ([credit.idempotency_key for credit in credits],)),
    )
    read_at = _check_currencies(credits, rows)
    movements = _movements(credits, now, {(name, currency): pk for name, currency, pk in banks})
    known = Transfer.objects.filter(pk__in=[pk for (pk,) in earlier]) if earlier else []
    done = {transfer.idempotency_key: transfer for transfer in known}
    fresh = {m.idempotency_key: m for m in movements if m.idempotency_key not in done}
    for transfer in journal.post(list(fresh.values()), balances, posted_at=read_at):
        done[transfer.idempotency_key] = transfer
        if transfer.kind != Transfer.Kind.ONRAMP:  # Of those OnRampSettled tells, however posted.
            events.publish(TransferPosted(transfer_id=transfer.pk))
    return [_same(done[m.idempotency_key], m) for m in movements]


def credits_with_commit(
    *,
    credits: Sequence[Credit],
    carried: Sequence[tuple[object, ...]],
    by: Prepared,
    now: datetime,
) -> list[Call] | None:
    """
    Return what credits all of them as credit_all_from_bank does, to be said together with COMMIT.

    by is a credit_statement(), and carried what it carries of each credit. Nothing is read first,
    so nothing is refused in words. A credit in another currency than its wallet's, or of a bank
    that never credited anybody, is left out without one: the statement says what fails where a
    credit is missing. A key used before fails by itself.

    None means that credit_all_from_bank has to do it: some wallet is credited too often for this,
    or one is no plain on-ramp.
    """
    if any(credit.kind != Transfer.Kind.ONRAMP or credit.note for credit in credits):
        return None
    seen: Counter[int] = Counter()
    rounds: defaultdict[int, list[Owed]] = defaultdict(list)
    for credit, more in zip(credits, carried, strict=True):
        rounds[seen[credit.wallet_id]].append(_owed(credit, more))
        seen[credit.wallet_id] += 1
    if len(rounds) > _MOST_ROUNDS:
        return None
    return journal.crediting(by, list(rounds.values()), happened_at=now) if rounds else []


def _owed(credit: Credit, carried: tuple[object, ...]) -> Owed:
    return (
        credit.wallet_id,
        credit.bank,
        credit.amount_minor,
        credit.currency,
        credit.idempotency_key,
        *carried,
    )


def _movements(
    credits: Sequence[Credit], now: datetime, sources: dict[tuple[str, str], int]
) -> list[Movement]:
    for bank, currency in {(credit.bank, credit.currency) for credit in credits} - sources.keys():
        sources[bank, currency] = settlement_wallet(bank=bank, currency=currency).pk
    return [
        Movement(
            kind=credit.kind,
            source_id=sources[credit.bank, credit.currency],
            target_id=credit.wallet_id,
            amount_minor=credit.amount_minor,
            currency=credit.currency,
            actor_id=None,
            idempotency_key=credit.idempotency_key,
            note=credit.note,
            happened_at=now,
        )
        for credit in credits
    ]


def _check_currencies(credits: Sequence[Credit], rows: Rows) -> datetime:
    """Refuse a currency that is not the wallet's; return the clock, read under the lock."""
    currencies = {pk: currency for pk, currency, _ in rows}
    for credit in credits:
        if currencies[credit.wallet_id] != credit.currency:
            raise CurrencyMismatch(f"That wallet holds {currencies[credit.wallet_id]}.")
    read_at: datetime = max(read_at for _, _, read_at in rows)
    return read_at


def _same(transfer: Transfer, movement: Movement) -> Transfer:
    if bytes(transfer.fingerprint) != movement.fingerprint:
        raise AlreadyUsed("This key stands for another credit.")
    return transfer
