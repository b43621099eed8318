"""
What staff do about breaks: every act of theirs, and the corrections that two of them agree on.

What the database refuses by itself is in migrations 0011 and 0012; each of those guards has a test
that takes it away.
"""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from onramp.models.reconciled import Break
from wallet.models import Transfer, Wallet


class Correction(models.Model):
    """
    Money between a bank's settlement wallet and a person's, that one proposes and another approves.

    is_credit: to the person. The transfer is there exactly when it was approved.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waiting for a second person"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    of = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="corrections")
    wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, related_name="corrections", db_index=False
    )
    settlement = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    is_credit = models.BooleanField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=280, help_text="The person reads this in their history.")
    status = models.CharField(max_length=12, choices=Status, default=Status.PROPOSED)
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    transfer = models.OneToOneField(
        Transfer,
        on_delete=models.PROTECT,
        related_name="correction",
        null=True,
        blank=True,
        db_constraint=False,  # Migration 0012 looks it up, and a transfer is never deleted.
    )

    class Meta:
        permissions: ClassVar = [
            ("propose_correction", "Can propose corrections"),
            ("approve_correction", "Can approve corrections"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="correction_amount_positive"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="correction_says_why"),
            models.UniqueConstraint(
                fields=["of"],
                condition=Q(status="proposed"),
                name="correction_proposed_once_for_a_break",
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | ~Q(decided_by=F("maker")),
                name="correction_takes_two",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="proposed",
                    decided_by__isnull=True,
                    decided_at__isnull=True,
                    transfer__isnull=True,
                )
                | Q(
                    status="approved",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    transfer__isnull=False,
                )
                | Q(
                    status="declined",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    transfer__isnull=True,
                ),
                name="correction_status_fits_its_facts",
            ),
        ]

    def __str__(self) -> str:
        return f"correction {self.public_id}"

    @property
    def is_proposed(self) -> bool:
        """Whether a second person has yet to look at it."""
        return self.status == self.Status.PROPOSED

    @property
    def signed_minor(self) -> int:
        """What it does to the person's wallet."""
        return self.amount_minor if self.is_credit else -self.amount_minor


class BreakAct(models.Model):
    """Something done about a break: who and when, or the house where there is no by. Only added."""

    class Kind(models.TextChoices):
        FOUND = "found", "Found"
        FOUND_AGAIN = "found_again", "Found again"
        CLEARED = "cleared", "Cleared by a statement"
        ASSIGNED = "assigned", "Assigned"
        NOTED = "noted", "Noted"
        EXPLAINED = "explained", "Closed with an explanation"
        PROPOSED = "proposed", "Proposed a correction"
        APPROVED = "approved", "Approved the correction"
        DECLINED = "declined", "Declined the correction"

    of = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=16, choices=Kind)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    at = models.DateTimeField()
    text = models.CharField(max_length=1_000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["found", "found_again", "cleared"], by__isnull=True)
                | Q(
                    kind__in=["assigned", "noted", "explained", "proposed", "approved", "declined"],
                    by__isnull=False,
                ),
                name="break_act_of_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["noted", "explained", "declined"]) | ~Q(text=""),
                name="break_act_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"
