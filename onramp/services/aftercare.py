"""What staff do with events that the worker left to them; none of it moves money by itself."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from nexapay.kernel import text
from onramp.models import BankEvent, EventReview
from onramp.services.waiting import look_again_soon

MAX_NOTE = 500
_Status = BankEvent.Status


class ReviewRefused(Exception):
    """It was not noted. The message is a sentence for staff."""


def review_events(
    *, event_ids: Collection[int], by_id: int, note: str, now: datetime
) -> Sequence[EventReview]:
    """
    Note that somebody looked at these, and what they found; return what was noted.

    Only of quarantined ones: the others are left out. One event may be looked at again.

    :raises ReviewRefused: for a note that says nothing, or is no line of MAX_NOTE characters.
    """
    said = _line(note)
    found = BankEvent.objects.filter(pk__in=event_ids, status=_Status.QUARANTINED).order_by("pk")
    reviews = [EventReview(event=event, by_id=by_id, at=now, note=said) for event in found]
    return EventReview.objects.bulk_create(reviews)


def _line(note: str) -> str:
    try:
        said = text.line(note, max_length=MAX_NOTE)
    except text.TextError as error:
        raise ReviewRefused(f"The note was not kept. {error}") from error
    if not said:
        raise ReviewRefused("Say in the note what you found. Nothing was noted.")
    return said


def apply_again(*, event_ids: Collection[int]) -> Sequence[BankEvent]:
    """
    Let the worker try five times more what it has given up; return those events.

    Words on the same payment that came later may have been applied meanwhile: it is judged after
    them, by the same rules.
    """
    with transaction.atomic():
        found = BankEvent.objects.given_up().filter(pk__in=event_ids).order_by("pk")
        events = list(found.select_for_update())
        BankEvent.objects.filter(pk__in=[event.pk for event in events]).update(attempts=0)
        if events:
            look_again_soon()
    return events
