"""What judges read grows with what they judge, not with the books, whenever it was planned."""

import pytest

from tests.factories import make_wallet
from tests.wallet.crowds import BATCH, BIG, FIRST, MANY, add_crowd, plan_while_small, rows_read
from tests.wallet.support import movement, post, without_onramps
from wallet.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Wallet:
    without_onramps()
    return make_wallet(balance_minor=1_000_000)


def test_a_batch_is_judged_by_index_however_small_the_books_were_when_it_was_planned(
    ana: Wallet,
) -> None:
    plan_while_small()
    add_crowd(0, BATCH)
    crowd = list(Wallet.objects.filter(pk__gte=FIRST))
    post(*(movement(ana, wallet) for wallet in crowd))
    add_crowd(BATCH, MANY)

    # Each pays the next: whichever index finds a wallet's entry, none has a history to read.
    before = rows_read()
    post(*(movement(*pair) for pair in zip(crowd, [*crowd[1:], crowd[0]], strict=True)))
    read = {table: count - before[table] for table, count in rows_read().items()}

    assert set(read) == set(BIG)
    assert {table: count for table, count in read.items() if count >= MANY} == {}
