"""What the simulated bank keeps: payments and payouts it was asked for, and webhooks it owes."""

from django.db import models
from django.db.models import Q


class Payment(models.Model):
    """A merchant's wish to be paid by a customer. amount_minor is in minor units of currency."""

    class Status(models.TextChoices):
        AWAITING = "awaiting", "Awaiting the customer"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Expired"

    token = models.CharField(max_length=128, unique=True, help_text="The merchant's, for this one.")
    brand = models.CharField(max_length=32, help_text="Which of our brands the customer uses.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=64, help_text="The merchant's, shown to the customer.")
    return_url = models.CharField(max_length=500, help_text="Where the customer goes afterwards.")
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status, default=Status.AWAITING)
    bank_reference = models.CharField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    scenario = models.CharField(
        max_length=24, blank=True, help_text="How we misbehave for it; empty: as for all others."
    )
    troubles = models.PositiveIntegerField(default=0, help_text="How many answers were spoiled.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(status="awaiting", decided_at__isnull=True)
                | Q(
                    status__in=["approved", "declined", "expired"],
                    decided_at__isnull=False,
                ),
                name="payment_decided_when_not_awaiting",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(status="awaiting"), name="payment_overdue"
            ),
            models.Index(
                fields=["decided_at"], condition=Q(status="approved"), name="payment_booked"
            ),
        ]

    def __str__(self) -> str:
        return f"payment {self.bank_reference}"

    @property
    def is_awaiting(self) -> bool:
        """Whether nobody has decided yet."""
        return self.status == self.Status.AWAITING


class Payout(models.Model):
    """A merchant's wish to pay to an account. amount_minor is in minor units of currency."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        RETURNED = "returned", "Returned"

    token = models.CharField(max_length=128, unique=True, help_text="The merchant's, for this one.")
    brand = models.CharField(max_length=32, help_text="Which of our brands holds the account.")
    account_holder = models.CharField(max_length=100)
    account_number = models.CharField(max_length=34)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=64, help_text="The merchant's, shown to the payee.")
    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING)
    bank_reference = models.CharField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When we next decide; empty when nothing is left to."
    )
    troubles = models.PositiveIntegerField(default=0, help_text="How many answers were spoiled.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_amount_positive"),
            models.CheckConstraint(
                condition=Q(
                    status="pending",
                    decided_at__isnull=True,
                    returned_at__isnull=True,
                    due_at__isnull=False,
                )
                | Q(status="succeeded", decided_at__isnull=False, returned_at__isnull=True)
                | Q(
                    status="failed",
                    decided_at__isnull=False,
                    returned_at__isnull=True,
                    due_at__isnull=True,
                )
                | Q(
                    status="returned",
                    decided_at__isnull=False,
                    returned_at__isnull=False,
                    due_at__isnull=True,
                ),
                name="payout_status_fits_its_facts",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="payout_due"),
            models.Index(
                fields=["decided_at"],
                condition=Q(status__in=["succeeded", "returned"]),
                name="payout_booked",
            ),
            models.Index(
                fields=["returned_at"], condition=Q(status="returned"), name="payout_given_back"
            ),
        ]

    def __str__(self) -> str:
        return f"payout {self.bank_reference}"


class ActiveScenario(models.Model):
    """How we misbehave towards everybody now: one row at most."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=24)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="active_scenario_is_one")]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """A webhook on its way. Each attempt is signed anew, because its time is signed too."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        REFUSED = "refused", "Refused by the merchant"
        LOST = "lost", "Lost on purpose"

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="deliveries", null=True, blank=True
    )
    payout = models.ForeignKey(
        Payout, on_delete=models.PROTECT, related_name="deliveries", null=True, blank=True
    )
    event_id = models.CharField(max_length=64)
    copy = models.PositiveSmallIntegerField(default=1, help_text="The same event may go out twice.")
    body = models.TextField()
    trick = models.CharField(max_length=16, blank=True, help_text="How a scenario has it sent.")
    status = models.CharField(max_length=12, choices=Status, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_status = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The newest answer; empty when there was none."
    )
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event_id", "copy"], name="delivery_copy_once"),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, payout__isnull=True)
                | Q(payment__isnull=True, payout__isnull=False),
                name="delivery_tells_of_one",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(status="waiting"), name="delivery_due"
            ),
        ]

    def __str__(self) -> str:
        return f"delivery of {self.event_id}"
