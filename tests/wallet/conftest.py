"""What the tests of the guards share."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.wallet.guards import World, a_world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Three people, a bank and a payment; each test leaves them as they were."""
    with a_world(django_db_blocker) as made:
        yield made


@pytest.fixture
def banks_unasked(db: None) -> None:
    """
    Take away the on-ramp's own guard on transfers: here the wallet is asked what it refuses alone.

    tests/onramp/test_credits_were_asked_for.py proves that one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TRIGGER credit_was_asked_for ON wallet_transfer")
