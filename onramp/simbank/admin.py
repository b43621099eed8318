"""Staff may look at the simulated bank's side as well."""

from django.contrib import admin

from nexapay.kernel.admin import LookOnlyAdmin, amount, link, list_link
from onramp.simbank.models import Delivery, Payment, Payout


@admin.register(Payment)
class PaymentAdmin(LookOnlyAdmin):
    """Payments as the bank sees them."""

    list_display = ["bank_reference", "brand", "money", "status", "reference", "created_at", "more"]
    list_filter = ["status", "brand", "created_at"]
    search_fields = ["=token", "=bank_reference", "=reference"]
    ordering = ["-id"]
    exclude = ["token"]
    readonly_fields = ["money", "more"]

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, payment: Payment) -> str:
        """The amount in words people use."""
        return amount(payment.amount_minor, payment.currency)

    @admin.display(description="Webhooks")
    def more(self, payment: Payment) -> str:
        """Link to its deliveries."""
        return list_link(Delivery, "Deliveries", payment__id__exact=payment.pk)


@admin.register(Payout)
class PayoutAdmin(LookOnlyAdmin):
    """Payouts as the bank sees them."""

    list_display = ["bank_reference", "brand", "money", "status", "reference", "created_at", "more"]
    list_filter = ["status", "brand", "created_at"]
    search_fields = ["=token", "=bank_reference", "=reference"]
    ordering = ["-id"]
    exclude = ["token"]
    readonly_fields = ["money", "more"]

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, payout: Payout) -> str:
        """The amount in words people use."""
        return amount(payout.amount_minor, payout.currency)

    @admin.display(description="Webhooks")
    def more(self, payout: Payout) -> str:
        """Link to its deliveries."""
        return list_link(Delivery, "Deliveries", payout__id__exact=payout.pk)


@admin.register(Delivery)
class DeliveryAdmin(LookOnlyAdmin):
    """Webhooks, with the newest answer to each."""

    list_display = [
        "event_id",
        "told_of",
        "trick",
        "status",
        "attempts",
        "last_status",
        "next_attempt_at",
        "delivered_at",
    ]
    list_filter = ["status", "last_status", "trick"]
    linked_lookups = ["payment__id__exact", "payout__id__exact"]
    list_select_related = ["payment", "payout"]
    search_fields = [
        *("=event_id", "=payment__token", "=payment__bank_reference"),
        *("=payout__token", "=payout__bank_reference"),
    ]
    ordering = ["-id"]
    readonly_fields = ["told_of"]

    @admin.display(description="Tells of")
    def told_of(self, delivery: Delivery) -> str:
        """Link to the payment or payout it tells of."""
        return link(delivery.payment or delivery.payout)
