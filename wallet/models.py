"""
What a person has. Amounts are BIGINT minor units; the currency stands beside every one of them.

Rows here are written by wallet/journal.py alone. What the database refuses by itself is in
migrations 0002 and 0003; each of those guards has a test in tests/wallet/test_guards.py.
"""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q


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
            # Foreign keys of money name (wallet, currency), so no entry can change currency.
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
    available_minor = models.BigIntegerField(default=0)
    locked_minor = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0, help_text="The version of the newest entry.")
    head_hash = models.BinaryField(max_length=32, default=bytes(32))
    happened_at = models.DateTimeField(null=True, help_text="That of the newest entry.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(available_minor__gte=0), name="balance_available_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(locked_minor__gte=0), name="balance_locked_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"balance of wallet {self.wallet_id}"

    @property
    def total_minor(self) -> int:
        """What the wallet holds in all: available and locked."""
        return self.available_minor + self.locked_minor


class Transfer(models.Model):
    """One movement of money between two wallets. Rows are only ever added."""

    class Kind(models.TextChoices):
        SEND = "send", "Sent"
        ONRAMP = "onramp", "Added"

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    # The foreign keys of money are (wallet, currency), in migration 0002; these are their ORM half.
    source = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="transfers_out",
        db_constraint=False,
        db_index=False,
    )
    target = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="transfers_in",
        db_constraint=False,
        db_index=False,
    )
    amount_minor = models.BigIntegerField(help_text="Minor units of the wallets' currency.")
    currency = models.CharField(max_length=3)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="Who asked for it; empty for the house.",
    )
    idempotency_key = models.UUIDField(help_text="Chosen by the actor; moves money once.")
    fingerprint = models.BinaryField(max_length=32, help_text="What was asked, hashed.")
    note = models.CharField(max_length=280, blank=True)
    happened_at = models.DateTimeField(help_text="When the person did it.")
    posted_at = models.DateTimeField(help_text="When the books took it.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="transfer_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(source=F("target")), name="transfer_wallets_differ"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["send", "onramp"]), name="transfer_kind_known"
            ),
            models.UniqueConstraint(
                fields=["actor", "idempotency_key"],
                nulls_distinct=False,
                name="transfer_key_once_per_actor",
            ),
        ]
        indexes = [models.Index(fields=["source", "target"], name="transfer_between")]

    def __str__(self) -> str:
        return f"transfer {self.public_id}"


class Entry(models.Model):
    """
    What one transfer did to one wallet. Rows are only ever added.

    A wallet that tracks its balance numbers its entries without gaps and chains their hashes;
    one that does not (settlement) leaves version, before and after empty.
    """

    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="entries",
        db_constraint=False,
        db_index=False,
    )
    currency = models.CharField(max_length=3)
    delta_available_minor = models.BigIntegerField()
    delta_locked_minor = models.BigIntegerField(default=0)
    version = models.BigIntegerField(null=True)
    available_before_minor = models.BigIntegerField(null=True)
    available_after_minor = models.BigIntegerField(null=True)
    locked_before_minor = models.BigIntegerField(null=True)
    locked_after_minor = models.BigIntegerField(null=True)
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    happened_at = models.DateTimeField(help_text="Never before the wallet's previous entry.")
    created_at = models.DateTimeField(help_text="The database's clock, read under the lock.")

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["wallet", "version"], name="entry_version_once"),
            models.UniqueConstraint(fields=["transfer", "wallet"], name="entry_once_per_transfer"),
            models.CheckConstraint(
                condition=Q(
                    version__isnull=True,
                    available_before_minor__isnull=True,
                    available_after_minor__isnull=True,
                    locked_before_minor__isnull=True,
                    locked_after_minor__isnull=True,
                )
                | Q(
                    # Said one by one, because a CHECK that yields NULL lets the row in.
                    version__isnull=False,
                    available_before_minor__isnull=False,
                    available_after_minor__isnull=False,
                    locked_before_minor__isnull=False,
                    locked_after_minor__isnull=False,
                    version__gte=1,
                    available_after_minor=F("available_before_minor") + F("delta_available_minor"),
                    locked_after_minor=F("locked_before_minor") + F("delta_locked_minor"),
                    available_after_minor__gte=0,
                    locked_after_minor__gte=0,
                ),
                name="entry_after_is_before_plus_delta",
            ),
        ]
        indexes = [
            models.Index(fields=["wallet", "happened_at", "version"], name="entry_wallet_recent")
        ]

    def __str__(self) -> str:
        return f"entry {self.pk}"

    @property
    def delta_minor(self) -> int:
        """What the wallet's total changed by."""
        return self.delta_available_minor + self.delta_locked_minor


class LedgerCheck(models.Model):
    """One run of check_ledger, kept so that staff see when the books were last proved."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    ok = models.BooleanField()
    wallets = models.BigIntegerField()
    transfers = models.BigIntegerField()
    entries = models.BigIntegerField()
    findings = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["-finished_at"], name="check_newest")]

    def __str__(self) -> str:
        return f"check of {self.finished_at:%Y-%m-%d %H:%M}"
