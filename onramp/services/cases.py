"""
What staff do about a break: assign it, note on it, explain it, and correct it, two of them.

A break's row is locked before its corrections and those before balances. What may be is decided
here in words and by the database in any case (migrations 0011 and 0012).
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import connection, transaction

from accounts import selectors as accounts
from nexapay.kernel import db, money
from onramp import banks
from onramp.models import (
    Break,
    BreakAct,
    Correction,
)
from onramp.services.facts import end_on_other_terms, is_named_now, own_payment, posted_minor
from wallet import services as wallet_services
from wallet.models import Transfer, Wallet

_Act = BreakAct.Kind
_Status = Break.Status
_PROPOSED = Correction.Status.PROPOSED


class CaseRefused(Exception):
    """Nothing was done. The message is for staff; field is the form field it belongs to."""

    field: ClassVar[str | None] = None


class NotCorrectable(CaseRefused):
    """No amount puts this right, or not now."""


class AmountRefused(CaseRefused):
    """The amount is not within what differs, or not available."""

    field = "amount"


class NotTheSecond(CaseRefused):
    """Whoever proposed it, or owns the wallet, may not approve it."""


class AlreadyDecided(CaseRefused):
    """Somebody else was first."""


def remaining_minor(*, break_id: int, is_with_proposed: bool = False) -> int:
    """Return what is left to correct, signed: the bank's side less ours and all corrections."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT onramp_remaining(%s, %s)::bigint", [break_id, is_with_proposed])
        [minor] = cursor.fetchone()
    return int(minor)


@db.retried
def assign_break(*, break_id: int, assignee_id: int | None, actor_id: int, now: datetime) -> None:
    """
    Say who looks after it; None for nobody.

    :raises CaseRefused: if that is not a member of staff.
    """
    with transaction.atomic():
        case = _locked(break_id)
        staff = accounts.staff().filter(pk=assignee_id).first() if assignee_id else None
        if assignee_id and not staff:
            raise CaseRefused("Choose somebody of the staff.")
        case.assignee = staff
        case.save(update_fields=["assignee"])
        _act(case, _Act.ASSIGNED, actor_id, now, f"to {staff}" if staff else "to nobody")


def note_on_break(*, break_id: int, text: str, actor_id: int, now: datetime) -> None:
    """Write down what was found out. Notes are only ever added."""
    _act(Break.objects.get(pk=break_id), _Act.NOTED, actor_id, now, text)


@db.retried
def explain_break(*, break_id: int, text: str, actor_id: int, now: datetime) -> None:
    """
    Close it without money: text says why nothing needs to move.

    :raises CaseRefused: if it is closed already, or a correction waits for a second person.
    """
    with transaction.atomic():
        case = _locked(break_id)
        _check_open(case)
        if case.corrections.filter(status=Correction.Status.PROPOSED).exists():
            raise CaseRefused("A correction of it waits to be approved. Decline that one first.")
        _act(case, _Act.EXPLAINED, actor_id, now, text)
        case.status = _Status.EXPLAINED
        case.save(update_fields=["status"])


@db.retried
def propose_correction(
    *,
    break_id: int,
    wallet_id: int | None,
    amount_minor: int,
    reason: str,
    actor_id: int,
    now: datetime,
) -> Correction:
    """
    Propose to move amount_minor between the bank's side and a wallet; nothing moves yet.

    Which way is what the difference says. wallet_id is whose, where the break does not know; reason
    is what the wallet's owner will read.

    :raises CaseRefused: one of its kinds, with a sentence for staff.
    """
    with transaction.atomic():
        case = _locked(break_id)
        remaining = _correctable(case)
        wallet = _wallet(case, wallet_id)
        _check_not_coming(case, wallet)
        if wallet.owner_id == actor_id:
            raise NotCorrectable("That wallet is your own. Somebody else must propose this.")
        if not 0 < amount_minor <= abs(remaining):
            most = money.format(abs(remaining), case.currency)
            raise AmountRefused(f"Enter an amount above zero, up to {most}.")
        correction = Correction.objects.create(
            of=case,
            wallet=wallet,
            settlement=wallet_services.settlement_wallet(
                bank=banks.name_of(case.bank), currency=case.currency
            ),
            is_credit=remaining > 0,
            amount_minor=amount_minor,
            currency=case.currency,
            reason=reason,
            maker_id=actor_id,
            made_at=now,
        )
        _act(case, _Act.PROPOSED, actor_id, now, _in_words(correction))
    return correction


def approve_correction(*, public_id: UUID, actor_id: int, now: datetime) -> Correction:
    """
    Agree as the second person, and post the money; the break closes when nothing remains.

    What the bank booked on other terms than it was asked for ends in the same transaction.

    However many approve at once, it is posted once.

    :raises CaseRefused: one of its kinds, with a sentence for staff; nothing has moved.
    :raises db.Busy: if the wallet was locked by others for too long; nothing has moved.
    """
    return db.retrying(lambda: _approve(public_id, actor_id, now))


def _approve(public_id: UUID, actor_id: int, now: datetime) -> Correction:
    with transaction.atomic(durable=True):
        correction = _locked_proposal(public_id)
        case = correction.of
        _check_open(case)
        if actor_id in {correction.maker_id, correction.wallet.owner_id}:
            raise NotTheSecond("A second person must approve it, whose money it is not.")
        _check_facts(case)
        _check_not_coming(case, correction.wallet)
        if case.is_on_other_terms:
            end_on_other_terms(case, now)
        correction.transfer = _post(correction, now)
        _decide(correction, Correction.Status.APPROVED, actor_id, now)
        _act(case, _Act.APPROVED, actor_id, now, _in_words(correction))
        if remaining_minor(break_id=case.pk) == 0:
            case.status = _Status.CORRECTED
            case.save(update_fields=["status"])
    return correction


@db.retried
def decline_correction(*, public_id: UUID, text: str, actor_id: int, now: datetime) -> Correction:
    """
    Turn a proposal down, or take one's own back; text says why.

    :raises AlreadyDecided: if it was approved or declined before.
    """
    with transaction.atomic():
        correction = _locked_proposal(public_id)
        _decide(correction, Correction.Status.DECLINED, actor_id, now)
        _act(correction.of, _Act.DECLINED, actor_id, now, text)
    return correction


def _locked(break_id: int) -> Break:
    return Break.objects.select_for_update(no_key=True).get(pk=break_id)


def _locked_proposal(public_id: UUID) -> Correction:
    """Lock the break and then its correction, as proposing does, and return the correction."""
    case = _locked(Correction.objects.values_list("of_id", flat=True).get(public_id=public_id))
    found = Correction.objects.select_for_update(no_key=True, of=("self",))
    correction = found.select_related("wallet").get(public_id=public_id)
    correction.of = case
    if not correction.is_proposed:
        label = Correction.Status(correction.status).label.lower()
        raise AlreadyDecided(f"That correction is {label} already.")
    return correction


def _check_open(case: Break) -> None:
    if case.status != _Status.OPEN:
        label = _Status(case.status).label.lower()
        raise AlreadyDecided(f"That break is {label} already.")


def _correctable(case: Break) -> int:
    """Return what is left to correct, where an amount can correct it."""
    _check_open(case)
    if case.kind == Break.Kind.REPEATED or not case.is_one_currency:
        raise NotCorrectable("No amount puts this right. Explain it, and ask the bank.")
    if case.bank not in banks.CHOICES:
        raise NotCorrectable("We do not know which bank's side this is. Explain it.")
    if case.is_under_way and not case.is_on_other_terms:
        raise NotCorrectable("The bank may still settle this by itself. Wait until it did.")
    _check_facts(case)
    waiting = Correction.objects.filter(of__subject=case.subject, status=_PROPOSED)
    if waiting.exists():
        raise NotCorrectable("A correction of it waits to be approved already.")
    remaining = remaining_minor(break_id=case.pk, is_with_proposed=True)
    if remaining == 0:
        raise NotCorrectable("This payment was given to somebody already, or is about to be.")
    return remaining


def _check_facts(case: Break) -> None:
    """
    Refuse if we have posted something for it since; what we post waits for this transaction.

    :raises NotCorrectable: then. The next reconciliation shows how it stands.
    """
    if posted_minor(case) != case.ours_minor or is_named_now(case):
        raise NotCorrectable("We have posted something for this since. Reconcile the day again.")


def _check_not_coming(case: Break, wallet: Wallet) -> None:
    """Refuse what nobody is named for where it may be this person's own payment."""
    if why := own_payment(case, wallet.pk):
        raise NotCorrectable(why)


def _wallet(case: Break, wallet_id: int | None) -> Wallet:
    found = Wallet.objects.filter(currency=case.currency).exclude(owner=None)
    wallet = found.filter(pk=case.wallet_id or wallet_id or 0).first()
    if wallet is None:
        raise NotCorrectable("Say whose wallet it is.")
    return wallet


def _post(correction: Correction, now: datetime) -> Transfer:
    try:
        return wallet_services.correct(
            correction_id=correction.public_id,
            wallet_id=correction.wallet_id,
            settlement_id=correction.settlement_id,
            is_credit=correction.is_credit,
            amount_minor=correction.amount_minor,
            note=correction.reason,
            now=now,
        )
    except wallet_services.InsufficientFunds as refusal:
        raise AmountRefused(str(refusal)) from refusal


def _decide(
    correction: Correction, status: Correction.Status, actor_id: int, now: datetime
) -> None:
    correction.status, correction.decided_by_id, correction.decided_at = status, actor_id, now
    correction.save(update_fields=["status", "decided_by", "decided_at", "transfer"])


def _in_words(correction: Correction) -> str:
    amount = money.format(correction.amount_minor, correction.currency)
    way = "to" if correction.is_credit else "from"
    return f"{amount} {way} {correction.wallet.name}: {correction.reason}"


def _act(case: Break, kind: BreakAct.Kind, actor_id: int, now: datetime, text: str) -> None:
    BreakAct.objects.create(of=case, kind=kind, by_id=actor_id, at=now, text=text)
