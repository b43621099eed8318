"""Movements of money, and what each did to a wallet."""

from django.conf import settings
from django.db import models

from nexapay.kernel import ids
from wallet.models.wallets import Wallet


class Transfer(models.Model):
    """
    One movement of money between two wallets, or inside one. Rows are only ever added.

    A hold moves money from available to locked, a release moves it back: source and target are the
    same wallet, with one entry. A payout takes locked money to a bank's wallet.
    """

    class Kind(models.TextChoices):
        SEND = "send", "Sent"
        ONRAMP = "onramp", "Added"
        HOLD = "hold", "On hold"
        RELEASE = "release", "Released"
        PAYOUT = "payout", "Withdrawn"
        RETURN = "return", "Returned"
        CORRECTION = "correction", "Corrected"

    public_id = models.UUIDField(default=ids.new, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    # The judges of migration 0017 look these up for the whole statement, where a foreign key would
    # ask, and lock, for each row; nothing that they name is ever deleted.
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
    # Of a domain of migration 0016: above zero. What entries and balances hold is of one as well.
    amount_minor = models.BigIntegerField(help_text="Minor units of the wallets' currency.")
    currency = models.CharField(max_length=3)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        db_constraint=False,  # That of entries looks them up, where they do not own the source.
        help_text="Who asked for it; empty for the house.",
    )
    idempotency_key = models.UUIDField(help_text="Chosen by the actor; moves money once.")
    fingerprint = models.BinaryField(max_length=32, help_text="What was asked, hashed.")
    note = models.CharField(max_length=280, blank=True)
    happened_at = models.DateTimeField(help_text="When the person did it.")
    posted_at = models.DateTimeField(help_text="When the books took it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["actor", "idempotency_key"],
                include=["source", "target"],  # How often somebody paid whom is read from it.
                nulls_distinct=False,
                name="transfer_key_once_per_actor",
            ),
        ]

    def __str__(self) -> str:
        return f"transfer {self.public_id}"


class Entry(models.Model):
    """
    What one transfer did to one wallet. Rows are only ever added.

    A wallet that tracks its balance numbers its entries without gaps and chains their hashes;
    one that does not (settlement) leaves version, before and after empty.
    """

    transfer = models.ForeignKey(
        Transfer,
        on_delete=models.PROTECT,
        related_name="entries",
        db_constraint=False,
        db_index=False,
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
