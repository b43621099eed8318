"""What the tests of the guards share, and those of the published tree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker, Settings

from tests.factories import make_wallet, send
from tests.wallet.guards import World, a_world
from tests.wallet.published import may_sign, publish
from wallet.models import Checkpoint, Wallet


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Three people, a bank and a payment; each test leaves them as they were."""
    with a_world(django_db_blocker) as made:
        yield made


@pytest.fixture
def signing(settings: Settings, tmp_path: Path) -> None:
    """Let this process sign heads, and keep copies of them in tmp_path."""
    may_sign(settings, tmp_path)


@pytest.fixture
def ana() -> Wallet:
    """Somebody with 100.00, whose first entry is the bank's credit."""
    return make_wallet(balance_minor=10_000)


@pytest.fixture
def head(signing: None, ana: Wallet) -> Checkpoint:
    """A head over three payments, and one payment after it that it does not cover."""
    ben = make_wallet(balance_minor=500)
    send(ana, ben, 300, note="Tea")
    published = publish()
    send(ben, ana, 50)
    return published
