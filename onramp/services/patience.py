"""How long a run goes on asking a bank: one payment's trouble is not the bank's absence."""

from time import monotonic

from django.db.models import Case, When

from onramp.banks import BankAway, BankUnreachable

NO_ANSWER = "no answer"
_LONGEST_S = 45  # The next run comes within minutes.
_MOST_AWAY = 3  # In a row; each of them may have taken its whole time-out.
_MOST_ODD = 20  # In a row: it is there, and has no sound answer to any of them.


class Patience:
    """That of one run. It ends when time is up, or where the bank answers nothing any more."""

    def __init__(self) -> None:
        self._until = monotonic() + _LONGEST_S
        self._away = self._odd = 0

    @property
    def is_over(self) -> bool:
        """Whether the rest is left for the next run."""
        is_late = monotonic() > self._until
        return is_late or self._away >= _MOST_AWAY or self._odd >= _MOST_ODD

    def heard(self) -> None:
        """Note that the bank answered."""
        self._away = self._odd = 0

    def missed(self, error: BankUnreachable) -> None:
        """Note that it did not answer, or not as agreed."""
        self._odd += 1
        self._away = self._away + 1 if isinstance(error, BankAway) else 0


def unanswered_last(answer: str) -> Case:
    """Return an order: what the bank did not answer, as that column says, behind all others."""
    return Case(When(**{answer: NO_ANSWER}, then=1), default=0)
