"""What staff found out about events that wait for them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from onramp.models.events import BankEvent


class EventReview(models.Model):
    """
    Somebody of staff looked at a quarantined event: who, when, and what they found. Only added.

    It moves nothing. What the database refuses by itself is in migration 0023.
    """

    event = models.ForeignKey(BankEvent, on_delete=models.PROTECT, related_name="reviews")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField()
    note = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(note=""), name="event_review_says_what"),
        ]

    def __str__(self) -> str:
        return f"review of event {self.event_id} at {self.at:%Y-%m-%d %H:%M}"
