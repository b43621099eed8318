"""Staff look at on-ramps and off-ramps, and change none of them; events are in event_admin.py."""

from django.contrib import admin

from nexapay.kernel.admin import (
    FoundByReference,
    LookOnlyAdmin,
    Section,
    add_section,
    amount,
    link,
    list_link,
)
from onramp import event_admin as event_admin
from onramp import selectors
from onramp.models import (
    BankAccount,
    BankEvent,
    OffRampTransaction,
    OnRampTransaction,
    PayoutQuestion,
    Question,
)


@admin.register(OnRampTransaction)
class OnRampTransactionAdmin(FoundByReference):
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
    references = {"ONR-": "public_id"}
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


@admin.register(OffRampTransaction)
class OffRampTransactionAdmin(FoundByReference):
    """Withdrawals, linked to their wallet, account, hold, transfers and events."""

    list_display = [
        "reference",
        "of_wallet",
        "of_account",
        "money",
        "status",
        "of_transfer",
        "created_at",
        "settled_at",
        "more",
    ]
    list_filter = ["status", "bank", "currency", "created_at"]
    linked_lookups = ["account__id__exact"]
    list_select_related = ["wallet", "account", "transfer"]
    search_fields = [
        "=public_id",
        "=token",
        "=bank_reference",
        "=idempotency_key",
        "wallet__owner__handle",
        "wallet__owner__phone",
        "wallet__owner__email",
    ]
    references = {"OFR-": "public_id"}
    date_hierarchy = "created_at"
    ordering = ["-id"]
    exclude = ["token", "account", "hold", "return_transfer"]
    readonly_fields = [
        *("reference", "of_wallet", "of_account", "of_hold", "of_transfer", "brought_back"),
        *("money", "asked", "more"),
    ]

    @admin.display(description="Reference")
    def reference(self, offramp: OffRampTransaction) -> str:
        """As people and the bank see it."""
        return offramp.reference

    @admin.display(description="Wallet", ordering="wallet__name")
    def of_wallet(self, offramp: OffRampTransaction) -> str:
        """Link to the wallet it is from."""
        return link(offramp.wallet)

    @admin.display(description="Account")
    def of_account(self, offramp: OffRampTransaction) -> str:
        """Link to the account it goes to."""
        return link(offramp.account)

    @admin.display(description="Hold")
    def of_hold(self, offramp: OffRampTransaction) -> str:
        """Link to what locks its money."""
        return link(offramp.hold)

    @admin.display(description="Payout")
    def of_transfer(self, offramp: OffRampTransaction) -> str:
        """Link to the transfer that took it out."""
        return link(offramp.transfer)

    @admin.display(description="Return")
    def brought_back(self, offramp: OffRampTransaction) -> str:
        """Link to the transfer that brought it back."""
        return link(offramp.return_transfer)

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, offramp: OffRampTransaction) -> str:
        """The amount in words people use."""
        return amount(offramp.amount_minor, offramp.currency)

    @admin.display(description="Asked the bank")
    def asked(self, offramp: OffRampTransaction) -> str:
        """How often we asked by ourselves, and what was answered last."""
        question = PayoutQuestion.objects.filter(offramp=offramp).first()
        return f"{question.asks} times, last answer: {question.answer}" if question else "-"

    @admin.display(description="Events")
    def more(self, offramp: OffRampTransaction) -> str:
        """Link to what the bank said of it."""
        return list_link(BankEvent, "Events", offramp__id__exact=offramp.pk)


@admin.register(BankAccount)
class BankAccountAdmin(LookOnlyAdmin):
    """Where people withdraw to. The number is masked for staff as well; it can be searched for."""

    list_display = ["masked", "bank", "holder", "person", "added_at", "removed_at", "more"]
    list_display_links = ["masked"]
    list_filter = ["bank", "added_at"]
    list_select_related = ["owner"]
    search_fields = ["=public_id", "=number", "holder", "owner__handle"]
    ordering = ["-id"]
    exclude = ["number"]
    readonly_fields = ["masked", "person", "more"]

    @admin.display(description="Number")
    def masked(self, account: BankAccount) -> str:
        """The last four digits."""
        return account.masked

    @admin.display(description="Person", ordering="owner__name")
    def person(self, account: BankAccount) -> str:
        """Link to whose it is."""
        return link(account.owner)

    @admin.display(description="Withdrawals")
    def more(self, account: BankAccount) -> str:
        """Link to what went there."""
        return list_link(OffRampTransaction, "Withdrawals", account__id__exact=account.pk)


@add_section
def by_status() -> Section:
    """On-ramps by status."""
    return _counted("On-ramps by status", OnRampTransaction)


@add_section
def withdrawals_by_status() -> Section:
    """Off-ramps by status."""
    return _counted("Off-ramps by status", OffRampTransaction)


def _counted(title: str, of: type[OnRampTransaction | OffRampTransaction]) -> Section:
    labels = dict(of.Status.choices)
    rows = [
        (
            list_link(of, str(labels[tally.status]), status__exact=tally.status),
            tally.currency,
            tally.count,
            amount(tally.amount_minor, tally.currency),
        )
        for tally in selectors.by_status(of)
    ]
    return Section(title=title, headers=["Status", "", "Count", "Sum"], rows=rows)
