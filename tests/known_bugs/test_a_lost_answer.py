"""
LerianStudio/midaz PR 2485: the answer got lost, a client library asked again by itself, and the
money moved twice.

Here the database commits and its answer never arrives: the connection breaks at that moment.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError

from nexapay.kernel import wire
from nexapay.kernel.postgresql.base import DatabaseWrapper
from tests.factories import available, make_wallet, send
from tests.known_bugs.support import assert_books_agree, confirm
from tests.onramp.support import message, post, start
from tests.wallet.sending import text_of
from wallet import journal
from wallet.journal import Movement
from wallet.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lose_an_answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Return what makes the answer to the next posting's COMMIT get lost.

    It returns a list, to which each posting from now on adds its amount.
    """
    amounts: list[int] = []
    lost: list[bool] = []
    post, commit = journal.post, DatabaseWrapper._commit
    lock_and_send = journal.lock_and_send

    def posting(movements: Any, *args: Any, **kwargs: Any) -> list[Transfer]:
        amounts.extend(movement.amount_minor for movement in movements)
        return post(movements, *args, **kwargs)

    def sending(movement: Movement, **kwargs: Any) -> journal.Sent:
        amounts.append(movement.amount_minor)
        return lock_and_send(movement, **kwargs)

    def losing(self: DatabaseWrapper) -> None:
        commit(self)
        if amounts and not lost:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    def arrange() -> list[int]:
        monkeypatch.setattr(journal, "post", posting)
        monkeypatch.setattr(journal, "lock_and_send", sending)
        monkeypatch.setattr(DatabaseWrapper, "_commit", losing)
        return amounts

    return arrange


@pytest.fixture
def fail_after_posting(monkeypatch: pytest.MonkeyPatch) -> Callable[[psycopg.Error], None]:
    """Return what lets the first posting be done, and then said to have failed."""
    commit = DatabaseWrapper._commit

    def arrange(cause: psycopg.Error) -> None:
        causes = [cause]

        def posting(self: DatabaseWrapper) -> None:
            if causes and self.last_words:
                for words in self.last_words:
                    wire.run(self.connection, words.messages)
                raise OperationalError("told by the database") from causes.pop()
            commit(self)

        monkeypatch.setattr(DatabaseWrapper, "_commit", posting)

    return arrange


class TestALostAnswer:
    def test_to_a_payment_is_never_taken_for_a_no(
        self, lose_an_answer: Callable[[], list[int]]
    ) -> None:
        """Nothing asks again by itself; the person does, with the same key, and it is settled."""
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        posted = lose_an_answer()

        first = confirm(ana, ben, 300, key=key)

        assert (first.status_code, posted) == (503, [300])
        assert "We are checking" in text_of(first)
        again = confirm(ana, ben, 300, key=key)
        [transfer] = Transfer.objects.filter(kind="send")
        assert again.status_code == 303
        assert str(transfer.public_id) in again["Location"]
        assert (available(ana), available(ben)) == (700, 300)

    def test_to_a_webhook_credits_once_when_the_bank_asks_again(
        self, lose_an_answer: Callable[[], list[int]]
    ) -> None:
        onramp = start(amount_minor=50_000)
        posted = lose_an_answer()

        first = post(message(onramp), event_id="evt_1")
        again = post(message(onramp), event_id="evt_1")

        assert (first.status_code, posted) == (503, [50_000])
        assert again.content == b'{"status": "success", "duplicate": true}'
        assert available(onramp.wallet) == 50_000
        assert_books_agree()


class TestARetryOfOurOwn:
    @pytest.mark.parametrize(
        "cause", [psycopg.errors.DeadlockDetected(), psycopg.errors.SerializationFailure()]
    )
    def test_begins_where_nothing_of_the_first_try_is_left(
        self, fail_after_posting: Callable[[psycopg.Error], None], cause: psycopg.Error
    ) -> None:
        """Guard: a try is one whole transaction, so what it had posted is gone."""
        ana, ben = make_wallet(balance_minor=1_000), make_wallet()
        fail_after_posting(cause)

        send(ana, ben, 300)

        assert Transfer.objects.filter(kind="send").count() == 1
        assert (available(ana), available(ben)) == (700, 300)
        assert_books_agree()
