"""What a break is about, as it stands now, and its end where the bank's word can end it no more."""

from datetime import datetime, timedelta

from nexapay.kernel import events
from onramp.events import OnRampFailed
from onramp.models import OTHER_AMOUNT, Break, OffRampTransaction, OnRampTransaction
from onramp.services.payouts import fail_on_other_terms

_NEAR = timedelta(days=7)  # So long after a bank brought money back its word of it may come.


def posted_minor(case: Break) -> int:
    """
    Return what we have posted for it until now, signed, inside the caller's transaction.

    What it is about is locked: whatever a bank says of it waits for this transaction.
    """
    if case.onramp_id:
        onramp = OnRampTransaction.objects.select_for_update(no_key=True).get(pk=case.onramp_id)
        return onramp.amount_minor if onramp.status == onramp.Status.SUCCESS else 0
    if case.offramp_id:
        offramp = OffRampTransaction.objects.select_for_update(no_key=True).get(pk=case.offramp_id)
        return -offramp.amount_minor if offramp.status == offramp.Status.SUCCESS else 0
    return case.ours_minor


def is_named_now(case: Break) -> bool:
    """Say whether what the bank listed for nobody stands for a payment of ours by now."""
    if case.onramp_id or case.offramp_id or case.theirs_minor == 0:
        return False
    known = {"bank": case.bank, "bank_reference": case.bank_reference}
    if case.theirs_minor > 0:
        return OnRampTransaction.objects.filter(**known).exists()
    return OffRampTransaction.objects.filter(**known).exists()


def own_payment(case: Break, wallet_id: int) -> str:
    """
    Return what of this person's own a payment for nobody may well be, in words; else nothing.

    The bank may yet name it, or has done so without a reference that we could compare.
    """
    if case.onramp_id or case.offramp_id:
        return ""
    theirs = {"wallet": wallet_id, "bank": case.bank, "amount_minor": abs(case.theirs_minor)}
    onramps = OnRampTransaction.objects.filter(**theirs)
    offramps = OffRampTransaction.objects.filter(**theirs)
    if case.theirs_minor < 0:
        leaving = offramps.filter(status=OffRampTransaction.Status.SUBMITTED)
        return "Such a withdrawal of theirs is with the bank." if leaving.exists() else ""
    if onramps.filter(status=OnRampTransaction.Status.PROCESSING).exists():
        return "They wait for such a payment. Once the bank confirms it, it comes."
    came_back = offramps.filter(
        status=OffRampTransaction.Status.RETURNED, returned_at__gte=case.happened_at - _NEAR
    )
    return "Such a withdrawal of theirs came back already." if came_back.exists() else ""


def end_on_other_terms(case: Break, now: datetime) -> None:
    """
    Fail what is still open, because the bank booked another amount; staff post that instead.

    It moves once, so the bank's later word of it cannot move money as well. A withdrawal's money is
    released. What was ended before, and what is not with the bank yet, stays as it is.
    """
    if case.offramp_id:
        fail_on_other_terms(offramp_id=case.offramp_id, reason=OTHER_AMOUNT, now=now)
    processing = OnRampTransaction.objects.filter(
        pk=case.onramp_id or 0, status=OnRampTransaction.Status.PROCESSING
    )
    if processing.update(
        status=OnRampTransaction.Status.FAILURE, failure_reason=OTHER_AMOUNT, settled_at=now
    ):
        events.publish(OnRampFailed(onramp_id=case.onramp_id or 0))
