"""Accounts at banks, and money on its way out to them."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from wallet.models import Hold, Transfer, Wallet


class BankAccountQuerySet(models.QuerySet["BankAccount"]):
    """Accounts, in sentences."""

    def owned_by(self, user_id: int) -> "BankAccountQuerySet":
        """Return the accounts of one person that were not removed."""
        return self.filter(owner_id=user_id, removed_at__isnull=True)


class BankAccount(models.Model):
    """
    A place outside that a person withdraws to. Its number is kept whole and shown masked.

    What it says never changes: whoever mistyped adds another. A removed one stays for the
    withdrawals that went there.
    """

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="bank_accounts",
        db_index=False,
    )
    bank = models.CharField(max_length=32, help_text="The bank, by its code.")
    holder = models.CharField(max_length=80, help_text="Whose account it is, as the bank knows it.")
    number = models.CharField(max_length=18)
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[BankAccountQuerySet] = BankAccountQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "bank", "number"],
                condition=Q(removed_at__isnull=True),
                name="account_once_per_owner",
            ),
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{9,18}$"), name="account_number_form"
            ),
            models.CheckConstraint(condition=~Q(holder=""), name="account_holder_named"),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(removed_at__gte=F("added_at")),
                name="account_removed_after_it_was_added",
            ),
        ]
        indexes = [
            # What a person ever added, and since when: removed rows are part of the answer.
            models.Index(fields=["owner", "bank", "number", "added_at"], name="account_since")
        ]

    def __str__(self) -> str:
        return f"{self.bank} {self.masked}"

    @property
    def ending(self) -> str:
        """The last four digits."""
        return self.number[-4:]

    @property
    def masked(self) -> str:
        """The number as people see it."""
        return f"•••• {self.ending}"


class OffRampTransactionQuerySet(models.QuerySet["OffRampTransaction"]):
    """Withdrawals, in sentences."""

    def owned_by(self, user_id: int) -> "OffRampTransactionQuerySet":
        """Return those from the wallets of one person."""
        return self.filter(wallet__owner_id=user_id)

    def due(self, now: datetime) -> "OffRampTransactionQuerySet":
        """Return those that may go to the bank now: their owner had time to cancel."""
        return self.filter(status=OffRampTransaction.Status.REQUESTED, submits_at__lte=now)

    def quiet_since(self, at: datetime) -> "OffRampTransactionQuerySet":
        """Return those that went to the bank by then, and whose end nobody has told us."""
        return self.filter(status=OffRampTransaction.Status.SUBMITTED, submitted_at__lte=at)

    def paid_between(self, since: datetime, until: datetime) -> "OffRampTransactionQuerySet":
        """Return those that the bank paid in that time, and that did not come back."""
        status = OffRampTransaction.Status.SUCCESS
        return self.filter(status=status, settled_at__gt=since, settled_at__lte=until)


class OffRampTransaction(models.Model):
    """
    One withdrawal: its money is held when it is asked for, and leaves when the bank has paid.

    requested -> submitted -> success or failure; success -> returned; requested -> cancelled.
    It is submitted before the bank is asked, so after a crash the bank is asked how it stands.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        SUBMITTED = "submitted", "With the bank"
        SUCCESS = "success", "Paid out"
        FAILURE = "failure", "Failed"
        RETURNED = "returned", "Returned"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    token = models.CharField(max_length=64, help_text="What the bank knows it by: 256 random bits.")
    # The foreign key is (wallet, currency), in migration 0009; this is its ORM half.
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="offramps",
        db_constraint=False,
        db_index=False,
    )
    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="offramps")
    bank = models.CharField(max_length=32, help_text="The account's bank, by its code.")
    amount_minor = models.BigIntegerField(help_text="Minor units of the wallet's currency.")
    currency = models.CharField(max_length=3)
    idempotency_key = models.UUIDField(help_text="Born with the form; asks once.")
    hold = models.OneToOneField(
        Hold, on_delete=models.PROTECT, related_name="offramp", help_text="What locks its money."
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.REQUESTED)
    failure_reason = models.CharField(max_length=200, blank=True)
    bank_reference = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    transfer = models.OneToOneField(
        Transfer,
        on_delete=models.PROTECT,
        related_name="offramp",
        null=True,
        blank=True,
        db_constraint=False,  # Migration 0009 looks it up, and a transfer is never deleted.
        help_text="What took the money out: there exactly once the bank has paid.",
    )
    return_transfer = models.OneToOneField(
        Transfer,
        on_delete=models.PROTECT,
        related_name="returned_offramp",
        null=True,
        blank=True,
        db_constraint=False,
        help_text="What brought it back: there exactly when it was returned.",
    )
    created_at = models.DateTimeField()
    submits_at = models.DateTimeField(help_text="Until then its owner may cancel.")
    submitted_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OffRampTransactionQuerySet] = OffRampTransactionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "off-ramp"
        constraints = [
            models.UniqueConstraint(fields=["token"], name="offramp_token_once"),
            models.UniqueConstraint(
                fields=["wallet", "idempotency_key"], name="offramp_key_once_per_wallet"
            ),
            models.UniqueConstraint(
                fields=["bank", "bank_reference"], name="offramp_reference_once_per_bank"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="offramp_amount_positive"),
            models.CheckConstraint(
                condition=Q(("token__regex", r"^[A-Za-z0-9_-]{43,64}$")), name="offramp_token_form"
            ),
            models.CheckConstraint(
                condition=Q(submits_at__gte=F("created_at")), name="offramp_submits_after_creation"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["requested", "submitted"],
                    settled_at__isnull=True,
                    transfer__isnull=True,
                    return_transfer__isnull=True,
                    returned_at__isnull=True,
                    bank_reference__isnull=True,
                    failure_reason="",
                )
                | Q(
                    status="success",
                    settled_at__isnull=False,
                    transfer__isnull=False,
                    return_transfer__isnull=True,
                    returned_at__isnull=True,
                    bank_reference__isnull=False,
                    failure_reason="",
                )
                | Q(
                    status="returned",
                    settled_at__isnull=False,
                    transfer__isnull=False,
                    return_transfer__isnull=False,
                    returned_at__isnull=False,
                    bank_reference__isnull=False,
                )
                & ~Q(failure_reason="")
                | Q(
                    status__in=["failure", "cancelled"],
                    settled_at__isnull=False,
                    transfer__isnull=True,
                    return_transfer__isnull=True,
                    returned_at__isnull=True,
                )
                & ~Q(status="failure", failure_reason="")
                & ~Q(status="cancelled", bank_reference__isnull=False),
                name="offramp_status_fits_its_facts",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["requested", "cancelled"], submitted_at__isnull=True)
                | ~Q(status__in=["requested", "cancelled"]) & Q(submitted_at__isnull=False),
                name="offramp_submitted_before_the_bank_is_asked",
            ),
        ]
        indexes = [
            models.Index(fields=["wallet", "-created_at"], name="offramp_recent"),
            models.Index(
                fields=["submits_at"], condition=Q(status="requested"), name="offramp_due"
            ),
            models.Index(
                fields=["submitted_at"], condition=Q(status="submitted"), name="offramp_quiet"
            ),
            models.Index(fields=["settled_at"], condition=Q(status="success"), name="offramp_paid"),
            models.Index(fields=["status", "-created_at"], name="offramp_by_status"),
        ]

    def __str__(self) -> str:
        return f"off-ramp {self.public_id}"

    @property
    def may_cancel(self) -> bool:
        """Whether nothing has gone to the bank yet."""
        return self.status == self.Status.REQUESTED

    @property
    def is_under_way(self) -> bool:
        """Whether nobody knows its end yet."""
        return self.status in {self.Status.REQUESTED, self.Status.SUBMITTED}

    @property
    def release_key(self) -> UUID:
        """The idempotency key of the transfer that gives its money back to be spent."""
        return uuid5(self.public_id, "release")

    @property
    def reference(self) -> str:
        """How we call it towards the bank and the person, such as OFR-93B2-71D0."""
        code = self.public_id.hex[:8].upper()
        return f"OFR-{code[:4]}-{code[4:]}"


class PayoutQuestion(models.Model):
    """How often we asked a bank about a withdrawal, open or paid, and when we ask again."""

    offramp = models.OneToOneField(
        OffRampTransaction, on_delete=models.PROTECT, related_name="question", primary_key=True
    )
    asks = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text="When to ask again, if its end is still unknown.")
    answer = models.CharField(max_length=12, blank=True, help_text="The newest; empty: none yet.")

    def __str__(self) -> str:
        return f"question about off-ramp {self.offramp_id}"
