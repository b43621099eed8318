"""interledger five-bells-ledger#402: a shared row was busy, and people with money were told that
they had none."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse

from tests.factories import available, make_wallet
from tests.known_bugs.support import confirm, patiently
from tests.onramp.support import codes
from tests.threads import alone, at_once
from tests.wallet.sending import text_of
from wallet import journal
from wallet.models import Wallet

pytestmark = pytest.mark.django_db(transaction=True)


def confirm_impatiently(payer: Wallet, payee: Wallet, amount_minor: int) -> HttpResponse:
    """Confirm on a connection that waits for no lock, so that the test need not."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20ms'")
    return confirm(payer, payee, amount_minor)


def assert_called_busy(answer: HttpResponse) -> None:
    page = text_of(answer)
    assert answer.status_code == 503
    assert "NexaPay is busy. Nothing was sent." in page
    assert "more than you have" not in page


class TestABusyRow:
    def test_of_a_payee_whom_everybody_pays_refuses_nobody(self) -> None:
        """Each has exactly enough, to the last paisa."""
        payee, payers = make_wallet(), [make_wallet(balance_minor=30) for _ in range(8)]

        acts = [partial(patiently, partial(confirm, payer, payee, 10)) for payer in payers * 3]

        outcomes = at_once(acts, workers=16)

        assert codes(outcomes) == [303] * 24
        assert [available(payer) for payer in payers] == [0] * 8
        assert available(payee) == 240

    def test_that_is_not_to_be_had_is_called_busy(self) -> None:
        ana, payee = make_wallet(balance_minor=500), make_wallet()

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            journal.lock([payee.pk])
            act = partial(confirm_impatiently, ana, payee, 100)
            answer = pool.submit(alone, act).result()

        assert_called_busy(answer)
        assert available(ana) == 500

    @pytest.mark.parametrize(
        "cause", [psycopg.errors.SerializationFailure(), psycopg.errors.DeadlockDetected()]
    )
    def test_that_fails_every_try_is_called_busy(
        self, monkeypatch: pytest.MonkeyPatch, cause: psycopg.Error
    ) -> None:
        """The report's own error: could not serialize access."""

        def refuse(*_: Any, **__: Any) -> None:
            raise OperationalError("told by the database") from cause

        ana, payee = make_wallet(balance_minor=500), make_wallet()
        monkeypatch.setattr(journal, "lock_and_send", refuse)

        assert_called_busy(confirm(ana, payee, 100))

        assert available(ana) == 500
