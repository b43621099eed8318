"""Staff look at wallets, transfers and entries; they freeze a wallet, and move nothing."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from nexapay.kernel import dates
from nexapay.kernel.admin import (
    FoundByReference,
    LookOnlyAdmin,
    Section,
    add_section,
    amount,
    link,
    list_link,
)
from wallet import selectors, services
from wallet.entries import REFERENCE
from wallet.models import Checkpoint, Entry, Hold, LedgerCheck, Transfer, Wallet


@admin.register(Wallet)
class WalletAdmin(LookOnlyAdmin):
    """Wallets with what they hold."""

    list_display = ["name", "person", "kind", "currency", "available", "locked", "status", "more"]
    list_filter = ["kind", "status", "currency"]
    linked_lookups = ["owner__id__exact"]
    list_select_related = ["owner", "balance"]
    search_fields = ["=public_id", "name", "owner__handle", "owner__phone", "owner__email"]
    ordering = ["-id"]
    readonly_fields = ["available", "locked", "version", "more"]
    actions = ["freeze", "freeze_payments", "thaw"]

    @admin.display(description="Person", ordering="owner__name")
    def person(self, wallet: Wallet) -> str:
        """Link to who owns it."""
        return link(wallet.owner)

    @admin.display(description="Available", ordering="balance__available_minor")
    def available(self, wallet: Wallet) -> str:
        """What can be spent; a dash for wallets summed on read."""
        return amount(_held(wallet, "available_minor"), wallet.currency)

    @admin.display(description="Locked", ordering="balance__locked_minor")
    def locked(self, wallet: Wallet) -> str:
        """What is set aside."""
        return amount(_held(wallet, "locked_minor"), wallet.currency)

    @admin.display(description="Version")
    def version(self, wallet: Wallet) -> str:
        """How many entries it has had."""
        return str(_held(wallet, "version") or "—")

    @admin.display(description="Movements")
    def more(self, wallet: Wallet) -> str:
        """Link to its entries and its holds."""
        entries = list_link(Entry, "Entries", wallet__id__exact=wallet.pk)
        return format_html(
            "{} · {}", entries, list_link(Hold, "Holds", wallet__id__exact=wallet.pk)
        )

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        """Whoever may change wallets may freeze one; nobody may edit one."""
        return request.user.has_perm("wallet.change_wallet")

    @admin.action(description="Freeze: cannot pay or be paid", permissions=["freeze"])
    def freeze(self, request: HttpRequest, wallets: QuerySet[Wallet]) -> None:
        """Stop all movement by people."""
        self._set(request, wallets, Wallet.Status.FROZEN)

    @admin.action(description="Freeze payments: cannot pay", permissions=["freeze"])
    def freeze_payments(self, request: HttpRequest, wallets: QuerySet[Wallet]) -> None:
        """Stop money leaving."""
        self._set(request, wallets, Wallet.Status.DEBIT_FROZEN)

    @admin.action(description="Thaw: may pay and be paid", permissions=["freeze"])
    def thaw(self, request: HttpRequest, wallets: QuerySet[Wallet]) -> None:
        """Let it move again."""
        self._set(request, wallets, Wallet.Status.ACTIVE)

    def _set(self, request: HttpRequest, wallets: QuerySet[Wallet], status: Wallet.Status) -> None:
        people = wallets.filter(owner__isnull=False)
        for wallet in people:
            services.set_status(wallet_id=wallet.pk, status=status)
            self.log_change(request, wallet, f"Status set to {status.label}.")
        messages.success(request, f"{len(people)} wallets: {status.label.lower()}.")


def _held(wallet: Wallet, name: str) -> int | None:
    balance = getattr(wallet, "balance", None)
    return getattr(balance, name) if balance else None


@admin.register(Transfer)
class TransferAdmin(FoundByReference):
    """Transfers, linked to both wallets and to their entries."""

    list_display = [
        *("reference", "kind", "from_wallet", "to_wallet", "money", "note", "posted_at", "more"),
    ]
    list_display_links = ["reference"]
    list_filter = ["kind", "currency", "posted_at"]
    list_select_related = ["source", "target"]
    search_fields = [
        "=public_id",
        "=idempotency_key",
        "source__owner__handle",
        "target__owner__handle",
        "note",
    ]
    references = {REFERENCE: "public_id"}
    date_hierarchy = "posted_at"
    ordering = ["-id"]
    exclude = ["fingerprint"]
    readonly_fields = ["reference", "from_wallet", "to_wallet", "money", "more"]

    @admin.display(description="Reference")
    def reference(self, transfer: Transfer) -> str:
        """As people see it."""
        return selectors.reference(transfer.public_id)

    @admin.display(description="From", ordering="source__name")
    def from_wallet(self, transfer: Transfer) -> str:
        """Link to the payer's wallet."""
        return link(transfer.source)

    @admin.display(description="To", ordering="target__name")
    def to_wallet(self, transfer: Transfer) -> str:
        """Link to the payee's wallet."""
        return link(transfer.target)

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, transfer: Transfer) -> str:
        """The amount in words people use."""
        return amount(transfer.amount_minor, transfer.currency)

    @admin.display(description="Entries")
    def more(self, transfer: Transfer) -> str:
        """Link to its two entries."""
        return list_link(Entry, "Entries", transfer__id__exact=transfer.pk)


@admin.register(Entry)
class EntryAdmin(FoundByReference):
    """Entries, linked to their transfer and wallet."""

    list_display = ["id", "of_wallet", "version", "change", "after", "of_transfer", "created_at"]
    list_filter = ["currency", "transfer__kind", "created_at"]
    linked_lookups = ["wallet__id__exact", "transfer__id__exact"]
    list_select_related = ["wallet", "transfer"]
    search_fields = ["=transfer__public_id", "wallet__owner__handle", "=wallet__public_id"]
    references = {REFERENCE: "transfer__public_id"}
    ordering = ["-id"]
    exclude = ["hash", "prev_hash"]
    readonly_fields = ["of_wallet", "of_transfer", "change", "after", "chain"]

    @admin.display(description="Wallet", ordering="wallet__name")
    def of_wallet(self, entry: Entry) -> str:
        """Link to its wallet."""
        return link(entry.wallet)

    @admin.display(description="Transfer")
    def of_transfer(self, entry: Entry) -> str:
        """Link to its transfer."""
        return link(entry.transfer, selectors.reference(entry.transfer.public_id))

    @admin.display(description="Change", ordering="delta_available_minor")
    def change(self, entry: Entry) -> str:
        """What it did to the wallet's total."""
        return amount(entry.delta_minor, entry.currency)

    @admin.display(description="Available after")
    def after(self, entry: Entry) -> str:
        """What could be spent afterwards."""
        return amount(entry.available_after_minor, entry.currency)

    @admin.display(description="Hash chain")
    def chain(self, entry: Entry) -> str:
        """This entry's hash, and the one it follows."""
        return f"{bytes(entry.hash).hex()} follows {bytes(entry.prev_hash).hex()}"


@admin.register(Hold)
class HoldAdmin(LookOnlyAdmin):
    """Money set aside, and what became of it."""

    list_display = ["public_id", "of_wallet", "purpose", "money", "remains", "status", "created_at"]
    list_filter = ["status", "purpose", "currency", "created_at"]
    linked_lookups = ["wallet__id__exact"]
    list_select_related = ["wallet"]
    search_fields = ["=public_id", "=transfer__public_id", "wallet__owner__handle"]
    ordering = ["-id"]
    exclude = ["transfer"]
    readonly_fields = ["of_wallet", "of_transfer", "money", "captured", "released", "remains"]

    @admin.display(description="Wallet", ordering="wallet__name")
    def of_wallet(self, hold: Hold) -> str:
        """Link to its wallet."""
        return link(hold.wallet)

    @admin.display(description="Set aside by")
    def of_transfer(self, hold: Hold) -> str:
        """Link to the transfer that began it."""
        return link(hold.transfer, selectors.reference(hold.transfer.public_id))

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, hold: Hold) -> str:
        """What was set aside."""
        return amount(hold.amount_minor, hold.currency)

    @admin.display(description="Captured")
    def captured(self, hold: Hold) -> str:
        """What has left."""
        return amount(hold.captured_minor, hold.currency)

    @admin.display(description="Released")
    def released(self, hold: Hold) -> str:
        """What may be spent again."""
        return amount(hold.released_minor, hold.currency)

    @admin.display(description="Remains")
    def remains(self, hold: Hold) -> str:
        """What is still locked."""
        return amount(hold.remaining_minor, hold.currency)


@admin.register(LedgerCheck)
class LedgerCheckAdmin(LookOnlyAdmin):
    """When the books were proved, and what was found."""

    list_display = ["finished_at", "ok", "wallets", "transfers", "entries"]
    list_filter = ["ok"]
    ordering = ["-finished_at"]


@admin.register(Checkpoint)
class CheckpointAdmin(LookOnlyAdmin):
    """Which heads of the ledger were published."""

    list_display = ["created_at", "size", "root_hash"]
    ordering = ["-size"]
    exclude = ["root"]
    readonly_fields = ["root_hash"]

    @admin.display(description="Root")
    def root_hash(self, checkpoint: Checkpoint) -> str:
        """The hash that stands for all it covers."""
        return bytes(checkpoint.root).hex()


@add_section
def totals() -> Section:
    """Totals for each kind of wallet."""
    rows = [
        (total.label, total.currency, total.wallets, amount(total.held_minor, total.currency))
        for total in selectors.totals()
    ]
    return Section(title="Wallets by kind", headers=["Kind", "", "Wallets", "Held"], rows=rows)


@add_section
def settlement() -> Section:
    """What people hold against what banks brought in."""
    differences = selectors.differences(selectors.totals())
    bad = any(difference.sum_minor for difference in differences)
    return Section(
        title="Settlement against customers",
        headers=["Currency", "Customers and house", "Settlement", "Difference"],
        rows=[
            (
                d.currency,
                *(amount(m, d.currency) for m in (d.ours_minor, d.banks_minor, d.sum_minor)),
            )
            for d in differences
        ],
        note="The two must cancel out. They do not." if bad else "They cancel out.",
        bad=bad,
    )


@add_section
def last_check() -> Section:
    """When the books were last proved."""
    headers = ["When", "Result", "Entries", "Findings"]
    check = selectors.last_check()
    if check is None:
        note = "Never checked. Run manage check_ledger."
        return Section(title="Last check of the books", headers=headers, rows=[], note=note)
    when = link(check, dates.full(check.finished_at))
    result = "Agreed" if check.ok else "Did not agree"
    return Section(
        title="Last check of the books",
        headers=headers,
        rows=[(when, result, check.entries, len(check.findings))],
        note="" if check.ok else "Open the check, and look at each of its findings.",
        bad=not check.ok,
    )
