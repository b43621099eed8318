"""Money on its way in from a bank."""

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual

from wallet.models import Transfer, Wallet


class OnRampTransactionQuerySet(models.QuerySet["OnRampTransaction"]):
    """On-ramps, in sentences."""

    def owned_by(self, user_id: int) -> "OnRampTransactionQuerySet":
        """Return those into the wallets of one person."""
        return self.filter(wallet__owner_id=user_id)

    def quiet_since(self, at: datetime) -> "OnRampTransactionQuerySet":
        """Return those asked for by then whose end nobody has told us."""
        return self.filter(status=OnRampTransaction.Status.PROCESSING, created_at__lte=at)


class OnRampTransaction(models.Model):
    """One act of adding money: asked for, then settled once, by the bank's word or by the clock."""

    class Status(models.TextChoices):
        PROCESSING = "processing", "Processing"
        SUCCESS = "success", "Success"
        FAILURE = "failure", "Failure"

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    token = models.CharField(max_length=64, help_text="What the bank knows it by: 256 random bits.")
    # The foreign key is (wallet, currency), in migration 0002; this is its ORM half.
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="onramps",
        db_constraint=False,
        db_index=False,
    )
    amount_minor = models.BigIntegerField(help_text="Minor units of the wallet's currency.")
    currency = models.CharField(max_length=3)
    bank = models.CharField(max_length=32, help_text="The bank the person chose, by its code.")
    idempotency_key = models.UUIDField(help_text="Born with the form; asks once.")
    status = models.CharField(max_length=12, choices=Status, default=Status.PROCESSING)
    failure_reason = models.CharField(max_length=200, blank=True)
    bank_reference = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    transfer = models.OneToOneField(
        Transfer,
        on_delete=models.PROTECT,
        related_name="onramp",
        null=True,
        blank=True,
        db_constraint=False,  # Migration 0006 looks it up, and a transfer is never deleted.
        help_text="The credit: there exactly when it succeeded.",
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OnRampTransactionQuerySet] = OnRampTransactionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "on-ramp"
        constraints = [
            models.UniqueConstraint(fields=["token"], name="onramp_token_once"),
            models.UniqueConstraint(
                fields=["wallet", "idempotency_key"], name="onramp_key_once_per_wallet"
            ),
            # One payment at a bank pays for one on-ramp. Without a reference there is no clash.
            models.UniqueConstraint(
                fields=["bank", "bank_reference"], name="onramp_reference_once_per_bank"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="onramp_amount_positive"),
            # Looked at in every change of a row: a pattern that counts to 64 costs ten times this.
            models.CheckConstraint(
                condition=~Q(("token__regex", "[^A-Za-z0-9_-]"))
                & Q(GreaterThanOrEqual(Length("token"), 43)),
                name="onramp_token_form",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="onramp_expires_after_creation"
            ),
            models.CheckConstraint(
                condition=Q(
                    status="processing",
                    transfer__isnull=True,
                    settled_at__isnull=True,
                    bank_reference__isnull=True,
                    failure_reason="",
                )
                | Q(
                    status="success",
                    transfer__isnull=False,
                    settled_at__isnull=False,
                    bank_reference__isnull=False,
                    failure_reason="",
                )
                | (
                    Q(status="failure", transfer__isnull=True, settled_at__isnull=False)
                    & ~Q(failure_reason="")
                ),
                name="onramp_status_fits_its_facts",
            ),
        ]
        indexes = [
            # What a wallet's history shows beside its entries: those that became no transfer.
            models.Index(
                fields=["wallet", "-created_at", "-id"],
                condition=~Q(status="success"),
                name="onramp_unfinished_recent",
            ),
            models.Index(
                fields=["status", "-created_at"],
                condition=~Q(status="success"),
                name="onramp_unpaid_by_status",
            ),
        ]

    def __str__(self) -> str:
        return f"on-ramp {self.public_id}"

    @property
    def is_processing(self) -> bool:
        """Whether nobody has settled it yet."""
        return self.status == self.Status.PROCESSING

    @property
    def reference(self) -> str:
        """How we call it towards the bank and the person, such as ONR-93B2-71D0."""
        code = self.public_id.hex[:8].upper()
        return f"ONR-{code[:4]}-{code[4:]}"

    @property
    def pay_before(self) -> datetime:
        """
        Until when the bank may take the money: four fifths of the time we wait.

        The bank stops first, so that a confirmation already on its way still finds us waiting.
        """
        term: timedelta = self.expires_at - self.created_at
        return self.created_at + term * 4 / 5


class Question(models.Model):
    """How often we asked a bank about an on-ramp it left open, and when we ask again."""

    onramp = models.OneToOneField(
        OnRampTransaction, on_delete=models.PROTECT, related_name="question", primary_key=True
    )
    asks = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text="When to ask again, if it is still processing.")
    answer = models.CharField(max_length=12, blank=True, help_text="The newest; empty: none yet.")

    def __str__(self) -> str:
        return f"question about on-ramp {self.onramp_id}"
