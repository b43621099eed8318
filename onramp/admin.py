"""Staff look at on-ramps and at every word a bank said; they change neither."""

from django.contrib import admin

from nexapay.kernel.admin import LookOnlyAdmin, Section, add_section, amount, link, list_link
from onramp import selectors
from onramp.models import BankEvent, OnRampTransaction, Question


@admin.register(OnRampTransaction)
class OnRampTransactionAdmin(LookOnlyAdmin):
    """On-ramps, linked to their wallet, their credit and their events."""

    list_display = [
        "reference",
        "of_wallet",
        "bank",
        "money",
        "status",
        "of_transfer",
        "created_at",
        "settled_at",
        "more",
    ]
    list_filter = ["status", "bank", "currency", "created_at"]
    list_select_related = ["wallet", "transfer"]
    search_fields = [
        "=public_id",
        "=token",
        "=bank_reference",
        "=idempotency_key",
        "wallet__owner__handle",
        "wallet__owner__phone",
        "wallet__owner__email",
    ]
    date_hierarchy = "created_at"
    ordering = ["-id"]
    # The token is a key while the payment is open: it may be searched for, and is not shown.
    exclude = ["token"]
    readonly_fields = ["reference", "of_wallet", "of_transfer", "money", "asked", "more"]

    @admin.display(description="Reference")
    def reference(self, onramp: OnRampTransaction) -> str:
        """As people and the bank see it."""
        return onramp.reference

    @admin.display(description="Wallet", ordering="wallet__name")
    def of_wallet(self, onramp: OnRampTransaction) -> str:
        """Link to the wallet it is for."""
        return link(onramp.wallet)

    @admin.display(description="Credit")
    def of_transfer(self, onramp: OnRampTransaction) -> str:
        """Link to the transfer that credited it."""
        return link(onramp.transfer)

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, onramp: OnRampTransaction) -> str:
        """The amount in words people use."""
        return amount(onramp.amount_minor, onramp.currency)

    @admin.display(description="Asked the bank")
    def asked(self, onramp: OnRampTransaction) -> str:
        """How often we asked by ourselves, and what was answered last."""
        question = Question.objects.filter(onramp=onramp).first()
        return f"{question.asks} times, last answer: {question.answer}" if question else "-"

    @admin.display(description="Events")
    def more(self, onramp: OnRampTransaction) -> str:
        """Link to what the bank said of it."""
        return list_link(BankEvent, "Events", onramp__id__exact=onramp.pk)


@admin.register(BankEvent)
class BankEventAdmin(LookOnlyAdmin):
    """The inbox, exactly as it arrived."""

    list_display = ["event_id", "bank", "status", "verdict", "of_onramp", "first", "received_at"]
    list_filter = ["status", "verdict", "bank", "received_at"]
    linked_lookups = ["onramp__id__exact"]
    list_select_related = ["onramp", "conflicts_with"]
    search_fields = ["=event_id", "=public_id", "=onramp__public_id", "=onramp__token"]
    date_hierarchy = "received_at"
    ordering = ["-id"]
    exclude = ["body", "body_sha256"]
    readonly_fields = ["of_onramp", "of_transfer", "first", "said", "digest"]

    @admin.display(description="On-ramp")
    def of_onramp(self, event: BankEvent) -> str:
        """Link to the on-ramp it spoke of."""
        return link(event.onramp, event.onramp and event.onramp.reference)

    @admin.display(description="Credit")
    def of_transfer(self, event: BankEvent) -> str:
        """Link to the transfer of that on-ramp."""
        return link(event.onramp.transfer if event.onramp else None)

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


@add_section
def by_status() -> Section:
    """On-ramps by status."""
    labels = dict(OnRampTransaction.Status.choices)
    rows = [
        (
            list_link(OnRampTransaction, str(labels[tally.status]), status__exact=tally.status),
            tally.currency,
            tally.count,
            amount(tally.amount_minor, tally.currency),
        )
        for tally in selectors.by_status()
    ]
    return Section(title="On-ramps by status", headers=["Status", "", "Count", "Sum"], rows=rows)


@add_section
def quarantined() -> Section:
    """Events that wait for staff."""
    rows = [
        (list_link(BankEvent, label, status__exact="quarantined", verdict__exact=code), count)
        for code, label, count in selectors.quarantined_by_verdict()
    ]
    return Section(
        title="Bank events in quarantine",
        headers=["Why", "Count"],
        rows=rows,
        note="Nothing moved for these. Look at each, and ask the bank." if rows else "",
        bad=bool(rows),
    )
