"""What the tests of the guards share."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.wallet.guards import World, a_world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Three people, a bank and a payment; each test leaves them as they were."""
    with a_world(django_db_blocker) as made:
        yield made
