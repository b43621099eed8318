"""
What we did before these books began: payments and payouts that are known already, from a file.

Its lines are JSON objects: "is" (payment or payout) and the fields of that model. Nobody is told of
them: whoever gives us such a file knows.
"""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction

from onramp.simbank.models import Payment, Payout
from onramp.simbank.services import new_reference

_KINDS: dict[str, type[Payment | Payout]] = {"payment": Payment, "payout": Payout}
_One = TypeVar("_One", Payment, Payout)


class BadHistory(Exception):
    """A line is none of ours. The message says which."""


def remember(lines: Iterable[str]) -> int:
    """
    Keep what they say of tokens that we do not know, all or nothing; return how many those are.

    :raises BadHistory: if a line is malformed; nothing is kept then.
    """
    said = [_read(number, line) for number, line in enumerate(lines, 1)]
    with transaction.atomic():
        return _keep(Payment, said) + _keep(Payout, said)


def _read(number: int, line: str) -> Payment | Payout:
    try:
        fields: dict[str, Any] = json.loads(line)
        one = _KINDS[fields.pop("is")](**fields)
        one.bank_reference = one.bank_reference or new_reference(one.brand)
        one.clean_fields(exclude={"return_url"})  # Nobody comes back from what is over.
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError) as error:
        raise BadHistory(f"Line {number} is no payment or payout.") from error
    return one


def _keep(kind: type[_One], said: Iterable[Payment | Payout]) -> int:
    known = set(kind._default_manager.values_list("token", flat=True))
    fresh = [one for one in said if isinstance(one, kind) and one.token not in known]
    return len(kind._default_manager.bulk_create(fresh))
