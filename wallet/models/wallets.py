"""Places for money, and what is in them."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q


class WalletQuerySet(models.QuerySet["Wallet"]):
    """Wallets, in sentences."""

    def owned_by(self, user_id: int) -> "WalletQuerySet":
        """Return the wallets of one person."""
        return self.filter(owner_id=user_id)


class Wallet(models.Model):
    """A place for money of one currency. Its money is in its Balance, or only in its entries."""

    class Kind(models.TextChoices):
        USER = "user", "Person"
        MERCHANT = "merchant", "Business"
        SETTLEMENT = "settlement", "Settlement with a bank"
        FEES = "fees", "Fees"
        SUSPENSE = "suspense", "Suspense"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        DEBIT_FROZEN = "debit_frozen", "Cannot pay"
        FROZEN = "frozen", "Cannot pay or be paid"
        CLOSED = "closed", "Closed"

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="wallets",
        null=True,
        blank=True,
        help_text="Empty for the wallets of the house.",
    )
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    tracks_balance = models.BooleanField(
        default=True, help_text="False: append-only, summed on read, so that nobody queues for it."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[WalletQuerySet] = WalletQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            # An on-ramp's foreign key names (wallet, currency): it asks for the wallet's own.
            models.UniqueConstraint(fields=["id", "currency"], name="wallet_currency_key"),
            models.UniqueConstraint(
                fields=["kind", "name", "currency"],
                condition=Q(owner__isnull=True),
                name="wallet_of_the_house_once",
            ),
            models.UniqueConstraint(
                fields=["owner", "currency"],
                condition=Q(kind="user"),
                name="wallet_of_a_person_once_per_currency",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["user", "merchant", "settlement", "fees", "suspense"]),
                name="wallet_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "debit_frozen", "frozen", "closed"]),
                name="wallet_status_known",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="wallet_currency_form"
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) ^ Q(kind__in=["settlement", "fees", "suspense"]),
                name="wallet_owner_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class Balance(models.Model):
    """What a wallet holds now: the mirror of its newest entry. Locked for every movement."""

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, primary_key=True)
    # Both of a domain of migration 0016: never below zero.
    available_minor = models.BigIntegerField(default=0)
    locked_minor = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0, help_text="The version of the newest entry.")
    head_hash = models.BinaryField(max_length=32, default=bytes(32))
    happened_at = models.DateTimeField(null=True, help_text="That of the newest entry.")

    def __str__(self) -> str:
        return f"balance of wallet {self.wallet_id}"

    @property
    def total_minor(self) -> int:
        """What the wallet holds in all: available and locked."""
        return self.available_minor + self.locked_minor
