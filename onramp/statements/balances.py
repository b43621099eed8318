"""What a statement says that accounts held before its lines and after: the two differ by them."""

from collections import Counter
from collections.abc import Iterable

from onramp.statements import amounts, lines
from onramp.statements.lines import BadStatement, StatementLine

_OPENING, _CLOSING = ("OPBD", "PRCD"), "CLBD"  # Booked; the day before's closing is an opening.
_FIELDS = {"Tp/CdOrPrtry/Cd", "Amt", "Amt@Ccy", "CdtDbtInd"}


def check(opening_minor: int, booked_minor: int, closing_minor: int, currency: str) -> None:
    """
    Refuse a statement whose lines do not lead from one balance to the other. All signed.

    :raises BadStatement: then. Some lines are not there, or are not what they were.
    """
    if opening_minor + booked_minor != closing_minor:
        raise BadStatement(
            f"does not add up, in minor units of {currency}: it opens with {opening_minor:,}, its"
            f" lines come to {booked_minor:,}, and it closes with {closing_minor:,}"
        )


class Balances:
    """The balances (Bal) of one Stmt of a CAMT.053, and what its lines come to."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._known: dict[str, tuple[int, str]] = {}
        self._booked: Counter[str] = Counter()

    def opens(self, field: str, attributes: dict[str, str]) -> None:
        """Hear of an element that begins; its currency stands in an attribute."""
        self.closes(f"{field}@Ccy", attributes.get("Ccy", ""))

    def closes(self, field: str, text: str) -> None:
        """Hear what an element said."""
        if field in _FIELDS:
            self._said[field] = text

    def end(self) -> None:
        """
        Keep the balance that was heard, if it is one that we compare.

        :raises BadStatement: if it is malformed, or there was one of its kind.
        """
        said, self._said = self._said, {}
        code = said.get("Tp/CdOrPrtry/Cd", "")
        if code not in {*_OPENING, _CLOSING}:
            return
        if code in self._known:
            raise BadStatement(f"has two balances that are {code}")
        currency = lines.currency(said.get("Amt@Ccy", ""))
        minor = amounts.minor(said.get("Amt", ""), currency)
        is_credit = amounts.direction(said.get("CdtDbtInd", ""))
        self._known[code] = (minor if is_credit else -minor, currency)

    def book(self, booked: Iterable[StatementLine]) -> None:
        """Count lines."""
        for line in booked:
            self._booked[line.currency] += line.signed_minor

    def check(self) -> None:
        """
        Compare, where the statement says both what it opens and what it closes with.

        :raises BadStatement: if its lines do not lead from one to the other.
        """
        opening = next((self._known[code] for code in _OPENING if code in self._known), None)
        closing = self._known.get(_CLOSING)
        if not opening or not closing:
            return
        currency = opening[1]
        if {closing[1], *self._booked} != {currency}:
            raise BadStatement("has lines in another currency than its balances")
        check(opening[0], self._booked[currency], closing[0], currency)
