"""
A connection whose transactions can end in the round trip of their last statements.

Everything else is Django's own. Django looks for a class of this name in this module.
"""

from contextlib import nullcontext
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction

from nexapay.kernel import wire
from nexapay.kernel.wire import Message, Rows

_UNTIMED = nullcontext()


class LastWords:
    """What a transaction says together with COMMIT; afterwards, the rows that were answered."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.rows: list[Rows] = []


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection to PostgreSQL; kernel/prepared.py adds the last words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_words: list[LastWords] = []

    def ensure_connection(self) -> None:
        """Connect, if need be. Django asks four times in each transaction, by a longer way."""
        if self.connection is None:
            super().ensure_connection()

    def _commit(self) -> None:
        said, self.last_words = self.last_words, []
        if self.connection is None:
            return
        timed = debug_transaction(self, "COMMIT") if self.queries_logged else _UNTIMED
        with timed, self.wrap_database_errors:
            messages = [message for words in said for message in words.messages]
            answers = iter(wire.run(self.connection, messages, commit=True))
        for words in said:
            words.rows = [next(answers) for _ in words.messages]

    def close(self) -> None:
        """Close it; what was to be said with COMMIT is not said to the next connection."""
        self.last_words = []
        super().close()

    def _rollback(self) -> None:
        self.last_words = []
        super()._rollback()  # type: ignore[misc]
