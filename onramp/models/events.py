"""Everything a bank has told us."""

from typing import ClassVar

from django.db import models
from django.db.models import Case, Q, When

from onramp.models.onramps import OnRampTransaction


class BankEventQuerySet(models.QuerySet["BankEvent"]):
    """Events, in sentences."""

    def given_up(self) -> "BankEventQuerySet":
        """Return those that could not be applied in five tries: sql.WAITING leaves them out."""
        return self.filter(status=BankEvent.Status.RECEIVED, attempts__gte=5)

    def quarantined(self) -> "BankEventQuerySet":
        """Return those that nobody could make sense of, and that no one of staff has looked at."""
        return self.filter(status=BankEvent.Status.QUARANTINED, reviews__isnull=True)


class BankEvent(models.Model):
    """
    The inbox: one verified webhook, exactly as it arrived, and what we made of it.

    An event id stands for one body. The same id with another body is kept beside the first and
    points at it (conflicts_with), so that nothing a bank signed is ever lost.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        PROCESSED = "processed", "Processed"
        IGNORED = "ignored", "Ignored"
        QUARANTINED = "quarantined", "Quarantined"

    class Verdict(models.TextChoices):
        CREDITED = "credited", "Credited"
        PAID_OUT = "paid_out", "Paid out"
        RETURNED = "returned", "Brought back"
        FAILED = "failed", "Marked as failed"
        REPEATED = "repeated", "Said what was known"
        SETTLES_NOTHING = "settles_nothing", "Ends nothing"
        UNKNOWN_TOKEN = "unknown_token", "Token is unknown"
        TERMS_DIFFER = "terms_differ", "Amount or currency differs"
        REFERENCE_TAKEN = "reference_taken", "Reference belongs to another payment"
        OTHER_REFERENCE = "other_reference", "Confirmed again under another reference"
        OTHER_BODY = "other_body", "Same event id, other body"
        CONTRADICTION = "contradiction", "Contradicts what was settled"

    bank = models.CharField(max_length=32, help_text="Who sent it: the value of BANK.")
    event_id = models.CharField(max_length=128, help_text="Its webhook-id.")
    body = models.BinaryField()
    body_sha256 = models.BinaryField(max_length=32)
    headers = models.JSONField()
    token = models.CharField(
        max_length=128,
        default="",
        db_default="",
        blank=True,
        help_text="Which payment it speaks of, of one that was queued: for their order.",
    )
    conflicts_with = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="conflicts",
        null=True,
        blank=True,
        db_index=False,
        db_constraint=False,  # Migration 0005 looks it up, and an event is never deleted.
    )
    onramp = models.ForeignKey(
        OnRampTransaction,
        on_delete=models.PROTECT,
        related_name="events",
        null=True,
        blank=True,
        db_constraint=False,  # Migration 0027 looks it up, and it is never deleted.
        help_text="The on-ramp it spoke of, if we know it.",
    )
    offramp = models.ForeignKey(
        "onramp.OffRampTransaction",
        on_delete=models.PROTECT,
        related_name="events",
        null=True,
        blank=True,
        db_index=False,
        db_constraint=False,  # As above.
        help_text="The off-ramp it spoke of, if we know it.",
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    verdict = models.CharField(max_length=20, choices=Verdict, blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="How often we tried to apply it.")
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[BankEventQuerySet] = BankEventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            # The first of its id once, and beside it each other body once.
            models.UniqueConstraint(
                "bank",
                "event_id",
                Case(When(conflicts_with__isnull=False, then="body_sha256")),
                nulls_distinct=False,
                name="bank_event_once",
            ),
            models.CheckConstraint(
                condition=Q(onramp__isnull=True) | Q(offramp__isnull=True),
                name="bank_event_of_one_payment",
            ),
            models.CheckConstraint(
                condition=Q(status="received", verdict="", processed_at__isnull=True)
                | (
                    Q(status__in=["processed", "ignored", "quarantined"])
                    & ~Q(verdict="")
                    & Q(processed_at__isnull=False)
                ),
                name="bank_event_status_fits_its_facts",
            ),
        ]
        indexes = [
            # Of what most events are not: each index costs every credit.
            models.Index(
                fields=["status", "-received_at"],
                condition=~Q(status="processed"),
                name="bank_event_unsettled",
            ),
            models.Index(
                fields=["conflicts_with"],
                condition=Q(conflicts_with__isnull=False),
                name="bank_event_conflicts",
            ),
            models.Index(
                fields=["offramp"],
                condition=Q(offramp__isnull=False),
                name="bank_event_of_offramp",
            ),
            models.Index(fields=["-received_at"], name="bank_event_newest"),
            # The conditions of sql.WAITING.
            models.Index(
                fields=["attempts", "received_at", "id"],
                condition=Q(status="received", attempts__lt=5),
                name="bank_event_waiting",
            ),
            models.Index(
                fields=["bank", "token", "received_at", "id"],
                condition=Q(status="received", attempts__gt=0, attempts__lt=5),
                name="bank_event_failing",
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id}"

    @property
    def text(self) -> str:
        """The body as text, for staff to read."""
        return bytes(self.body).decode(errors="replace")
