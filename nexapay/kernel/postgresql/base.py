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

    # Django's own, which its stubs forget.
    health_check_enabled: bool
    health_check_done: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_words: list[LastWords] = []

    def ensure_connection(self) -> None:
        """Connect, if need be. Django asks four times in each transaction, by a longer way."""
        if self.connection is None:
            super().ensure_connection()

    def close_if_health_check_failed(self) -> None:
        """Look whether the connection lives, where nobody knows. Django asks for a pool before."""
        if self.health_check_enabled and not self.health_check_done:
            super().close_if_health_check_failed()

    def set_autocommit(
        self,
        autocommit: bool,  # noqa: FBT001  (as Django has it)
        force_begin_transaction_with_broken_autocommit: bool = False,  # noqa: FBT001, FBT002  (SQLite's)
    ) -> None:
        """Begin or end a transaction. Django also takes the time, for a log that nobody reads."""
        if autocommit or self.queries_logged:
            super().set_autocommit(autocommit)
            return
        self.validate_no_atomic_block()
        self.close_if_health_check_failed()
        self.ensure_connection()
        self._set_autocommit(autocommit)  # type: ignore[attr-defined]
        self.autocommit = autocommit

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
