"""Amounts and directions as CAMT.053 writes them: 500.00, and CRDT or DBIT."""

import re
from decimal import Decimal

from babel.numbers import UnknownCurrencyError

from nexapay.kernel import money
from onramp.statements.lines import BadStatement

_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,5})?")
_DIRECTIONS = {"CRDT": True, "DBIT": False}


def minor(said: str, currency: str) -> int:
    """Return an amount such as 500.00 in minor units, exactly; it may be nothing."""
    if not _AMOUNT.fullmatch(said):
        raise BadStatement("has an amount that is missing or malformed")
    try:
        scaled = Decimal(said).scaleb(money.exponent(currency))
    except UnknownCurrencyError as error:
        raise BadStatement(f"is in {currency}, which is no currency") from error
    if scaled != int(scaled):
        raise BadStatement(f"has an amount that is finer than {currency} is")
    return int(scaled)


def direction(said: str) -> bool:
    """Return whether it is a credit."""
    if said not in _DIRECTIONS:
        raise BadStatement("has an entry that is neither a credit nor a debit")
    return _DIRECTIONS[said]
