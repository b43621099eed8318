"""Two who bring one event, or one bank reference, at once: the second starts again and sees it."""

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError

from nexapay.kernel import db

_T = TypeVar("_T")
_TRIES = 10
_TAKEN_MEANWHILE = {
    "bank_event_once",
    "onramp_reference_once_per_bank",
    "offramp_reference_once_per_bank",
}


def again_if_taken(act: Callable[[], _T]) -> _T:
    """
    Run act, one whole transaction, again when somebody else took its event or reference meanwhile.

    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    for _ in range(_TRIES):
        try:
            return db.retrying(act)
        except IntegrityError as error:
            if db.constraint(error) not in _TAKEN_MEANWHILE:
                raise
    raise db.Busy("NexaPay is busy. Nothing was changed; send it again in a moment.")


def boldly_then_warily(act: Callable[..., _T]) -> _T:
    """
    Run act as if nothing stood in its way; if PostgreSQL refuses, run it again having looked first.

    act is one whole transaction. It is told which by warily, a keyword that is true or false.
    Looking for everything that might be wrong with a first word costs more than acting on it.

    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    try:
        return db.retrying(lambda: act(warily=False))
    except IntegrityError:
        return again_if_taken(lambda: act(warily=True))
