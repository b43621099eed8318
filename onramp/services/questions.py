"""What we asked a bank about withdrawals, and when we ask again: noted before asking."""

from datetime import datetime

from django.db.models import F

from onramp.models import PayoutQuestion
from onramp.services.patience import NO_ANSWER


def claim(*, offramp_id: int, next_at: datetime, now: datetime) -> bool:
    """Note when to ask again, before asking; return whether nobody else asks right now."""
    question, is_first = PayoutQuestion.objects.get_or_create(
        offramp_id=offramp_id, defaults={"asks": 1, "asked_at": now, "next_at": next_at}
    )
    # Only the first of two workers finds it still due.
    mine = PayoutQuestion.objects.filter(pk=question.pk, next_at__lte=now)
    return is_first or bool(mine.update(asks=F("asks") + 1, asked_at=now, next_at=next_at))


def note(*, offramp_id: int, answer: str) -> None:
    """Note what the bank answered; empty for nothing."""
    PayoutQuestion.objects.filter(offramp_id=offramp_id).update(answer=answer or NO_ANSWER)
