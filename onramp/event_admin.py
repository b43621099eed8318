"""Staff look at every word a bank said, note what they found, and have one applied again."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from nexapay.kernel import dates
from nexapay.kernel.admin import FoundByReference, Section, add_section, link, list_link
from onramp import selectors, services
from onramp.models import BankEvent


class NoteForm(ActionForm):
    """What is to be done with the events that are ticked, and a note for the act that takes one."""

    note = forms.CharField(required=False, max_length=500, label="Note:")


@admin.register(BankEvent)
class BankEventAdmin(FoundByReference):
    """The inbox, exactly as it arrived."""

    list_display = [
        *("event_id", "bank", "status", "verdict", "attempts", "about", "first"),
        *("received_at", "is_looked_at"),
    ]
    list_filter = ["status", "verdict", "bank", "received_at"]
    linked_lookups = [
        *("onramp__id__exact", "offramp__id__exact"),
        *("attempts__gte", "reviews__isnull"),
    ]
    list_select_related = ["onramp", "offramp", "conflicts_with"]
    search_fields = [
        *("=event_id", "=onramp__public_id", "=onramp__token"),
        *("=offramp__public_id", "=offramp__token"),
    ]
    references = {"ONR-": "onramp__public_id", "OFR-": "offramp__public_id"}
    date_hierarchy = "received_at"
    ordering = ["-id"]
    exclude = ["body", "body_sha256", "token"]
    readonly_fields = ["about", "of_transfer", "first", "said", "digest", "looked_at"]
    action_form = NoteForm
    actions = ["look_at", "apply_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Bring along who looked at them."""
        return super().get_queryset(request).prefetch_related("reviews__by")

    @admin.display(description="About")
    def about(self, event: BankEvent) -> str:
        """Link to the on-ramp or off-ramp it spoke of."""
        spoken_of = event.onramp or event.offramp
        return link(spoken_of, spoken_of and spoken_of.reference)

    @admin.display(description="Transfer")
    def of_transfer(self, event: BankEvent) -> str:
        """Link to the transfer of that on-ramp or off-ramp."""
        spoken_of = event.onramp or event.offramp
        return link(spoken_of.transfer if spoken_of else None)

    @admin.display(description="Conflicts with")
    def first(self, event: BankEvent) -> str:
        """Link to the first event of that id."""
        return link(event.conflicts_with)

    @admin.display(description="Body")
    def said(self, event: BankEvent) -> str:
        """The body as text."""
        return event.text

    @admin.display(description="SHA-256 of the body")
    def digest(self, event: BankEvent) -> str:
        """What the body hashes to."""
        return bytes(event.body_sha256).hex()

    @admin.display(description="Looked at", boolean=True)
    def is_looked_at(self, event: BankEvent) -> bool | None:
        """Whether somebody has, of one that waits for it."""
        return bool(event.reviews.all()) if event.status == event.Status.QUARANTINED else None

    @admin.display(description="Looked at", empty_value="By nobody")
    def looked_at(self, event: BankEvent) -> str:
        """Who looked at it, when, and what they found."""
        told = [
            (dates.full(review.at), review.by, review.note)
            for review in sorted(event.reviews.all(), key=lambda review: review.pk)
        ]
        return format_html_join("\n", "<p>{}, {}: {}</p>", told)

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change events may look at one, and have one applied; nobody may edit one."""
        return request.user.has_perm("onramp.change_bankevent")

    @admin.action(description="Mark as looked at, with the note", permissions=["handle"])
    def look_at(self, request: HttpRequest, events: QuerySet[BankEvent]) -> None:
        """Note who looked at quarantined ones, and what they found."""
        ids = list(events.values_list("pk", flat=True))
        try:
            reviews = services.review_events(
                event_ids=ids,
                by_id=request.user.pk or 0,
                note=request.POST.get("note", ""),
                now=timezone.now(),
            )
        except services.ReviewRefused as refusal:
            messages.error(request, str(refusal))
            return
        left = " The others are not quarantined." if len(reviews) < len(ids) else ""
        messages.success(request, f"{len(reviews)} events are marked as looked at.{left}")

    @admin.action(description="Apply again", permissions=["handle"])
    def apply_again(self, request: HttpRequest, events: QuerySet[BankEvent]) -> None:
        """Have the worker try once more what it has given up."""
        ids = list(events.values_list("pk", flat=True))
        with transaction.atomic():
            again = services.apply_again(event_ids=ids)
            for event in again:
                self.log_change(request, event, "To be applied again: attempts counted from 0.")
        left = " The others were not given up." if len(again) < len(ids) else ""
        messages.success(request, f"{len(again)} events will be applied in a moment.{left}")


@add_section
def given_up() -> Section:
    """Events that could not be applied."""
    if number := selectors.given_up():
        shown = list_link(BankEvent, "Given up", status__exact="received", attempts__gte=5)
    return Section(
        title="Bank events that could not be applied",
        headers=["", "Count"],
        rows=[(shown, number)] if number else [],
        note="Nothing moved for these. Find the cause in the worker's log, and apply them again."
        if number
        else "",
        bad=bool(number),
    )


@add_section
def quarantined() -> Section:
    """Events that wait for staff."""
    rows = [
        (_not_looked_at(label, verdict), count)
        for verdict, label, count in selectors.quarantined_by_verdict()
    ]
    return Section(
        title="Bank events in quarantine that nobody has looked at",
        headers=["Why", "Count"],
        rows=rows,
        note="Nothing moved for these. Look at each, ask the bank, and mark it." if rows else "",
        bad=bool(rows),
    )


def _not_looked_at(label: str, verdict: str) -> str:
    asked = {"status__exact": "quarantined", "verdict__exact": verdict, "reviews__isnull": True}
    return list_link(BankEvent, label, **asked)
