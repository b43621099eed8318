"""What two members of staff agreed was wrong with a wallet, put right against a bank's side."""

from datetime import datetime
from uuid import UUID

from nexapay.kernel import db, events, money
from wallet import journal
from wallet.events import TransferPosted
from wallet.journal import Movement
from wallet.models import Transfer, Wallet
from wallet.services.refusals import AlreadyUsed, InsufficientFunds


def correct(
    *,
    correction_id: UUID,
    wallet_id: int,
    settlement_id: int,
    is_credit: bool,
    amount_minor: int,
    note: str,
    now: datetime,
) -> Transfer:
    """
    Move amount_minor from a bank's side to a wallet, or (not is_credit) back, once for each id.

    Inside the caller's transaction, which also says who agreed on it: at COMMIT the database
    refuses a correction that nobody did. It is owed, or was never there, whatever the wallet's
    status; note is what its owner reads.

    :raises InsufficientFunds: if less than that is available; nothing has moved.
    :raises AlreadyUsed: if the id stands for another correction.
    """
    balances = journal.lock([wallet_id])
    terms = Wallet.objects.filter(pk=wallet_id).values_list("currency", db.ClockTimestamp())
    currency, read_at = terms.get()
    ends = (settlement_id, wallet_id) if is_credit else (wallet_id, settlement_id)
    movement = Movement(
        kind=Transfer.Kind.CORRECTION,
        source_id=ends[0],
        target_id=ends[1],
        amount_minor=amount_minor,
        currency=currency,
        actor_id=None,  # The house's: two approvers at once have one key.
        idempotency_key=correction_id,
        note=note,
        happened_at=now,
    )
    earlier = Transfer.objects.filter(actor=None, idempotency_key=correction_id).first()
    if earlier:
        return _same(earlier, movement)
    available_minor = balances[wallet_id].available_minor
    if not is_credit and available_minor < amount_minor:
        have = money.format(available_minor, currency)
        raise InsufficientFunds(f"Only {have} is available in that wallet. Nothing was moved.")
    transfer = journal.post([movement], balances, posted_at=read_at)[0]
    events.publish(TransferPosted(transfer_id=transfer.pk))
    return transfer


def _same(earlier: Transfer, movement: Movement) -> Transfer:
    if bytes(earlier.fingerprint) != movement.fingerprint:
        raise AlreadyUsed("That correction was posted with other terms.")
    return earlier
