"""What we asked a bank about, and when we ask again: noted before asking."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db.models import F

from onramp.models import PayoutQuestion, Question
from onramp.services.judging import Delivery
from onramp.services.patience import NO_ANSWER

_LONGEST_WAIT = timedelta(seconds=900)
_Questions = type[Question] | type[PayoutQuestion]


def first_wait() -> timedelta:
    """Return how long a bank may take until we ask: BANK_ASK_AFTER_S."""
    return timedelta(seconds=settings.BANK_ASK_AFTER_S)


def next_wait(asks: int) -> timedelta:
    """Return how long to wait after that many questions: twice as long each time, to 15 minutes."""
    longer: timedelta = first_wait() * 2 ** min(asks, 20)
    return min(longer, _LONGEST_WAIT)


def claim(questions: _Questions, *, next_at: datetime, now: datetime, **of: int) -> bool:
    """
    Note when to ask again, before asking; return whether nobody else asks right now.

    of is the column that says what is asked about.
    """
    defaults = {"asks": 1, "asked_at": now, "next_at": next_at}
    question, is_first = questions._default_manager.get_or_create(**of, defaults=defaults)
    # Only the first of two workers finds it still due.
    mine = questions._default_manager.filter(pk=question.pk, next_at__lte=now)
    return is_first or bool(mine.update(asks=F("asks") + 1, asked_at=now, next_at=next_at))


def note(questions: _Questions, *, answer: str, **of: int) -> None:
    """Note what the bank answered; empty for nothing."""
    questions._default_manager.filter(**of).update(answer=answer or NO_ANSWER)


def as_event(kind: str, data: Mapping[str, object], now: datetime) -> Delivery:
    """Return an answer as an event; the same answer is the same event, however often it comes."""
    body = json.dumps({"type": kind, "data": data}, sort_keys=True).encode()
    headers = {"asked": "The bank answered this when we asked.", "asked-at": now.isoformat()}
    return Delivery(f"asked_{sha256(body).hexdigest()}", body, headers)
