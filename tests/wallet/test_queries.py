"""No page asks the database more than six times, its session and its person included."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_wallet, send
from tests.wallet.pages import sign_in
from tests.wallet.sending import to_review
from wallet.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Wallet:
    wallet, others = make_wallet(balance_minor=50_000), [make_wallet() for _ in range(3)]
    for other in others:
        send(wallet, other, 100)
    make_wallet(name="Kabir Mehta", handle="kabir")
    return wallet


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/",
        "/transactions/",
        "/transactions/?kind=send&q=tea",
        "/send/",
        "/send/?q=person",
        "/send/people/?q=kab",
        "/send/?to=@kabir",
        "/add-money/",
        "/settings/",
        "/settings/profile/",
        "/notices/",
    ],
)
def test_a_page_asks_at_most_six_times(
    ana: Wallet, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(ana)

    with django_assert_max_num_queries(6):
        assert client.get(path).status_code == 200


def test_a_receipt_asks_at_most_six_times(
    ana: Wallet, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client: Client = sign_in(ana)
    newest = ana.transfers_out.latest("pk")

    with django_assert_max_num_queries(6):
        assert client.get(f"/transactions/{newest.public_id}/").status_code == 200


def test_the_review_page_asks_at_most_six_times(
    ana: Wallet, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client: Client = sign_in(ana)
    address, _ = to_review(client, to="@kabir")

    with django_assert_max_num_queries(6):
        assert client.get(address).status_code == 200


def test_a_payment_reads_who_is_there_and_pays_and_writes_nothing_else(
    ana: Wallet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client: Client = sign_in(ana)
    address, token = to_review(client, to="@kabir")

    # The session with its person; the lock and the payment (said twice, for in a test they are not
    # the last words) within a savepoint.
    with django_assert_num_queries(1 + 2 * 2 + 2):
        assert "new=1" in client.post(address, {"token": token})["Location"]
