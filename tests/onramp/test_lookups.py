"""What settling a batch reads grows with the batch, not with the books, whenever it was planned."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from onramp import services
from onramp.services import Delivery
from tests.factories import make_wallet
from tests.onramp.queues import apply, receive
from tests.onramp.support import start, told
from tests.wallet.crowds import MANY, add_crowd, plan_while_small, rows_read
from tests.wallet.forge import sql

pytestmark = pytest.mark.django_db

TABLES = ("onramp_onramptransaction", "onramp_bankevent", "wallet_transfer", "wallet_balance")
# Payments that wait, and events of none that were looked at.
WAITING = (
    "INSERT INTO onramp_onramptransaction (public_id, token, wallet_id, amount_minor, currency,"
    " bank, idempotency_key, status, failure_reason, created_at, expires_at)"
    " SELECT gen_random_uuid(), repeat('c', 40) || n, %s, 1, 'INR', 'banyan', gen_random_uuid(),"
    " 'processing', '', now(), now() + interval '1 hour' FROM generate_series(%s, %s) n"
)
LOOKED_AT = (
    "INSERT INTO onramp_bankevent (bank, event_id, body, body_sha256, headers, status,"
    " verdict, attempts, received_at, processed_at)"
    " SELECT 'simbank', 'crowd' || n, '', sha256(''), '{}', 'ignored',"
    " 'repeated', 1, now(), now() FROM generate_series(%s, %s) n"
)


def waiting(first: int, count: int) -> None:
    """Make rows for numbers from first on."""
    last = 10_000 + first + count - 1
    sql(WAITING, make_wallet().pk, 10_000 + first, last)
    sql(LOOKED_AT, 10_000 + first, last)


def told_of(number: int) -> list[Delivery]:
    """Return a good success of each of so many new on-ramps."""
    return told([start() for _ in range(number)])


def hear(number: int) -> None:
    """Record so many in one batch."""
    answers = services.record_bank_events(
        bank="simbank", deliveries=told_of(number), now=timezone.now()
    )
    assert {answer.status for answer in answers} == {200}


def drain(number: int) -> None:
    """Store so many, and apply them."""
    for delivery in told_of(number):
        receive(delivery)
    assert apply() == number


def more_wait() -> None:
    waiting(300, MANY)


def more_were_credited() -> None:
    add_crowd(0, MANY)


@pytest.mark.parametrize("act", [hear, drain])
@pytest.mark.parametrize("grow", [more_wait, more_were_credited])
@pytest.mark.parametrize("page_cost", [4, 1_000])
def test_a_batch_is_settled_by_index_however_small_the_books_were_when_it_was_planned(
    act: Callable[[int], None], grow: Callable[[], None], page_cost: int
) -> None:
    act(1)
    waiting(0, 300)
    sql(f"ANALYZE {', '.join(TABLES)}")
    plan_while_small(page_cost=page_cost)
    act(1)
    grow()

    before = rows_read(*TABLES)
    act(20)
    read = {table: count - before[table] for table, count in rows_read(*TABLES).items()}

    assert set(read) == set(TABLES)
    assert {table: count for table, count in read.items() if count >= MANY} == {}
