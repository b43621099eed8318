"""Money set aside: still the wallet's, no longer to be spent."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from nexapay.kernel import ids
from wallet.models.transfers import Transfer
from wallet.models.wallets import Wallet


class HoldQuerySet(models.QuerySet["Hold"]):
    """Holds, in sentences."""

    def overdue(self, now: datetime) -> "HoldQuerySet":
        """Return the open ones whose time is over."""
        return self.filter(status=Hold.Status.OPEN, expires_at__lte=now)


class Hold(models.Model):
    """
    An amount that one transfer moved from available to locked, and what became of it since.

    What is captured has left the wallet, what is released may be spent again; both only grow. It
    is closed exactly when nothing remains. A wallet's locked money is what remains of its open
    holds: migration 0008 holds the balance to it.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    class Purpose(models.TextChoices):
        WITHDRAWAL = "withdrawal", "Withdrawal"

    public_id = models.UUIDField(default=ids.new, unique=True, editable=False)
    # The foreign key is (wallet, currency), in migration 0008; this is its ORM half.
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="holds",
        db_constraint=False,
        db_index=False,
    )
    transfer = models.OneToOneField(
        Transfer,
        on_delete=models.PROTECT,
        related_name="hold",
        db_constraint=False,  # The judge of migration 0008 looks it up; it is never deleted.
        help_text="What set it aside.",
    )
    purpose = models.CharField(max_length=16, choices=Purpose)
    amount_minor = models.BigIntegerField(help_text="Minor units of the wallet's currency.")
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0, help_text="What has left the wallet.")
    released_minor = models.BigIntegerField(default=0, help_text="What may be spent again.")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Released then; empty where only its owner's act ends it."
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[HoldQuerySet] = HoldQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(captured_minor__gte=0, released_minor__gte=0),
                name="hold_parts_not_negative",
            ),
            models.CheckConstraint(
                # So no more is captured and released than was set aside.
                condition=Q(
                    status="closed",
                    closed_at__isnull=False,
                    captured_minor=F("amount_minor") - F("released_minor"),
                )
                | Q(
                    status="open",
                    closed_at__isnull=True,
                    captured_minor__lt=F("amount_minor") - F("released_minor"),
                ),
                name="hold_closed_when_nothing_remains",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["withdrawal"]), name="hold_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="hold_expires_after_creation",
            ),
        ]
        indexes = [
            # What a wallet's locked money is compared with, whenever it changes.
            models.Index(fields=["wallet"], condition=Q(status="open"), name="hold_open_by_wallet"),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="hold_overdue"),
        ]

    def __str__(self) -> str:
        return f"hold {self.public_id}"

    @property
    def remaining_minor(self) -> int:
        """What is still locked of it."""
        return self.amount_minor - self.captured_minor - self.released_minor
