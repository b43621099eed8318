"""
What reconciling leaves: a bank's statement, its lines, and its breaks.

Signed amounts are minor units, above zero where money came to us. What the database refuses by
itself is in migrations 0011 and 0012; each of those guards has a test that takes it away.
"""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from onramp.models.offramps import OffRampTransaction
from onramp.models.onramps import OnRampTransaction
from wallet.models import Wallet

# Why staff ended a payment that no word of its bank could end any more: see Break.
OTHER_AMOUNT = "the bank booked another amount"


class Statement(models.Model):
    """
    One statement of one day, as a bank gave it, and how its lines matched the ledger.

    A corrected statement of the day supersedes the earlier one, which is kept with its lines. Each
    line is counted once: matched, missing_here, differs, repeated or waiting. missing_there and
    waiting_there count our movements that no line speaks of.
    """

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    bank = models.CharField(max_length=32, help_text="Who gave it: the value of BANK.")
    day = models.DateField(help_text="The bank's booking day.")
    format = models.CharField(max_length=12)
    sha256 = models.BinaryField(max_length=32)
    loaded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)
    matched_at = models.DateTimeField(null=True, blank=True)
    is_whole = models.BooleanField(
        default=False, help_text="Whether the day was over when the bank gave it."
    )
    lines = models.PositiveIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0)
    missing_here = models.PositiveIntegerField(default=0)
    differs = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    missing_there = models.PositiveIntegerField(default=0)
    waiting_there = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bank", "day"],
                condition=Q(superseded_at__isnull=True),
                name="statement_current_once_a_day",
            ),
            models.CheckConstraint(
                condition=Q(matched_at__isnull=True)
                | Q(
                    lines=F("matched")
                    + F("missing_here")
                    + F("differs")
                    + F("repeated")
                    + F("waiting")
                ),
                name="statement_counts_each_line_once",
            ),
        ]
        indexes = [models.Index(fields=["-day", "-id"], name="statement_newest")]

    def __str__(self) -> str:
        return f"statement of {self.day}"


class StatementLine(models.Model):
    """One booking, as the bank wrote it. Rows are only ever added."""

    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="booked", db_index=False
    )
    number = models.PositiveIntegerField()
    bank = models.CharField(max_length=36, help_text="The account, as the bank writes it.")
    bank_reference = models.CharField(max_length=64)
    token = models.CharField(max_length=128, blank=True)
    reference = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=12)
    is_credit = models.BooleanField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "number"], name="statement_line_once"),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="statement_line_amount_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["token"], condition=~Q(token=""), name="statement_line_token"),
            models.Index(fields=["bank_reference", "bank"], name="statement_line_reference"),
            # Our own reference is looked at where the bank does not repeat the token.
            models.Index(fields=["reference"], condition=Q(token=""), name="statement_line_ours"),
        ]

    def __str__(self) -> str:
        return f"line {self.number}"


class Break(models.Model):
    """
    Something on which the bank and the ledger disagree: facts that stay, and how the case stands.

    subject is what both speak of: onramp:<id> or offramp:<id>, or line:<bank>:<reference> where we
    know of nothing.
    """

    class Kind(models.TextChoices):
        MISSING_HERE = "missing_here", "Missing here"
        MISSING_THERE = "missing_there", "Missing at the bank"
        DIFFERS = "differs", "Amount differs"
        REPEATED = "repeated", "Listed again"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CORRECTED = "corrected", "Corrected"
        EXPLAINED = "explained", "Explained"
        CLEARED = "cleared", "Cleared by a statement"

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    key = models.CharField(max_length=300, help_text="The facts as one text: found once.")
    kind = models.CharField(max_length=16, choices=Kind)
    subject = models.CharField(max_length=160)
    statement = models.ForeignKey(
        Statement,
        on_delete=models.PROTECT,
        related_name="breaks",
        help_text="The one that showed it last.",
    )
    onramp = models.ForeignKey(
        OnRampTransaction,
        on_delete=models.PROTECT,
        related_name="breaks",
        null=True,
        blank=True,
        db_index=False,
    )
    offramp = models.ForeignKey(
        OffRampTransaction,
        on_delete=models.PROTECT,
        related_name="breaks",
        null=True,
        blank=True,
        db_index=False,
    )
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="Whose movement it is, where we know.",
    )
    bank = models.CharField(max_length=36, help_text="The bank's code.")
    bank_reference = models.CharField(max_length=64, blank=True)
    happened_at = models.DateTimeField(help_text="When it was booked, there or here.")
    theirs_minor = models.BigIntegerField(help_text="What the bank says, signed.")
    theirs_currency = models.CharField(max_length=3)
    ours_minor = models.BigIntegerField(help_text="What we posted for it at first, signed.")
    currency = models.CharField(max_length=3)
    found_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="break_once"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "corrected", "explained", "cleared"]),
                name="break_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="break_by_status"),
            models.Index(fields=["kind", "-id"], name="break_by_kind"),
            models.Index(fields=["subject"], name="break_by_subject"),
            # Looked at for each success: was this payment given to somebody by staff?
            models.Index(
                fields=["bank_reference"],
                condition=Q(onramp__isnull=True, offramp__isnull=True),
                name="break_of_nobody_known",
            ),
        ]

    def __str__(self) -> str:
        return f"break {self.public_id}"

    @property
    def of(self) -> OnRampTransaction | OffRampTransaction | None:
        """What it is about, where we know."""
        return self.onramp or self.offramp

    @property
    def is_under_way(self) -> bool:
        """Whether the bank may still settle what it is about."""
        under_way = self.onramp.is_processing if self.onramp else False
        return under_way or bool(self.offramp and self.offramp.is_under_way)

    @property
    def is_on_other_terms(self) -> bool:
        """Whether the bank booked another amount than it was asked for, and we posted nothing."""
        is_asked = not (self.offramp and self.offramp.may_cancel)
        return self.kind == self.Kind.DIFFERS and self.ours_minor == 0 and is_asked

    @property
    def difference_minor(self) -> int:
        """What the bank says above what we posted; below zero: what we posted above it."""
        return self.theirs_minor - self.ours_minor

    @property
    def is_one_currency(self) -> bool:
        """Whether the two sides can be told from one another by an amount alone."""
        return self.theirs_currency == self.currency
