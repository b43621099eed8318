"""What a person was told: the page of it, the bell, and what counts as read."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import notices, services
from accounts.models import Notice
from tests.factories import fund, make_user, make_wallet, send
from tests.onramp.support import message, post, start
from tests.wallet.pages import HOSTILE, owner, sign_in
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
Get = Callable[..., str]


@pytest.fixture
def meera() -> Wallet:
    return make_wallet(name="Meera Iyer", handle="meera")


@pytest.fixture
def get(meera: Wallet) -> Get:
    """Open a page as Meera; return it."""
    client = sign_in(meera)

    def open_page(path: str = "/notices/", **headers: str) -> str:
        response = client.get(path, headers=headers)
        assert response.status_code == 200
        return response.content.decode()

    return open_page


def pay(person: Wallet, times: int = 1, *, name: str = "Ananya Rao") -> None:
    payer = make_wallet(name=name, balance_minor=1_000 * times)
    for number in range(times):
        send(payer, person, 100 + number)


def unread(person: Wallet) -> int:
    return Notice.objects.filter(user=owner(person), read_at=None).count()


class TestThePage:
    def test_says_that_there_is_nothing_yet(self, get: Get) -> None:
        assert "No notices yet" in get()

    def test_tells_each_with_its_amount_newest_first(self, get: Get, meera: Wallet) -> None:
        now = timezone.now()
        fund(meera, 500_000, at=now - timedelta(days=3))
        post(message(start(meera, 300_000), "failure"))
        pay(meera)

        page = get()

        places = [page.index(said) for said in ("Paid you", "Not added", "Added ·")]
        assert places == sorted(places)
        assert all(text in page for text in ("Ananya Rao", "+₹1.00", "+₹5,000.00", "Banyan Bank"))

    def test_leads_to_what_each_tells_of(self, get: Get, meera: Wallet) -> None:
        post(message(start(meera, 300_000), "failure"))
        fund(meera, 500_000)
        pay(meera)

        page = get()

        for notice in Notice.objects.filter(user=owner(meera)):
            assert f'href="{notices.url(notice)}"' in page
            get(notices.url(notice))

    def test_of_what_no_page_shows_yet_leads_to_the_history(self, get: Get, meera: Wallet) -> None:
        told(meera, kind="withdraw_failed")

        assert 'href="/transactions/"' in get()
        assert "Not withdrawn" in get()

    def test_goes_on_where_it_ended(self, get: Get, meera: Wallet) -> None:
        pay(meera, times=notices.PAGE_SIZE + 3)

        first = notices.page(user_id=owner(meera).pk)
        second = notices.page(user_id=owner(meera).pk, cursor=first.next_cursor)

        amounts = [row.amount_minor for row in [*first.rows, *second.rows]]
        assert amounts == list(range(100 + notices.PAGE_SIZE + 2, 99, -1))
        assert second.next_cursor == ""
        assert f"?cursor={first.next_cursor}" in get()
        more = get(f"/notices/?cursor={first.next_cursor}", **HTMX)
        assert "<html" not in more
        assert "+₹1.00" in more
        assert "<html" in get(f"/notices/?cursor={first.next_cursor}")

    def test_of_one_time_goes_on_in_the_middle_of_it(self, meera: Wallet) -> None:
        now = timezone.now()
        for _ in range(notices.PAGE_SIZE + 2):
            told(meera, at=now)

        first = notices.page(user_id=owner(meera).pk)
        second = notices.page(user_id=owner(meera).pk, cursor=first.next_cursor)

        subjects = [row.subject for row in [*first.rows, *second.rows]]
        assert len(set(subjects)) == len(subjects) == notices.PAGE_SIZE + 2

    @pytest.mark.parametrize("cursor", HOSTILE.values(), ids=HOSTILE)
    def test_that_does_not_exist_is_not_found(self, meera: Wallet, cursor: str | bytes) -> None:
        assert sign_in(meera).get("/notices/", {"cursor": cursor}).status_code == 404

    def test_is_mine_alone(self, get: Get, meera: Wallet) -> None:
        pay(make_wallet(name="Kabir Mehta"), name="Somebody Else")

        assert "Somebody Else" not in get()

    def test_is_shown_to_nobody_who_is_signed_out(self, client: Client) -> None:
        assert client.get("/notices/")["Location"].startswith("/accounts/login/")

    def test_opens_for_staff_who_have_no_wallet(self, client: Client) -> None:
        client.force_login(make_user(is_staff=True))

        assert client.get("/notices/").status_code == 200

    def test_asks_at_most_three_times(
        self, meera: Wallet, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        pay(meera, times=5)
        client = sign_in(meera)

        with django_assert_max_num_queries(3):
            client.get("/notices/")

    def test_keeps_every_name_as_text(self, get: Get, meera: Wallet) -> None:
        pay(meera, name='<img src=x onerror="alert(1)">')

        assert "<img" not in get()


class TestReading:
    def test_is_not_done_by_looking(self, get: Get, meera: Wallet) -> None:
        pay(meera)

        get()

        assert unread(meera) == 1

    def test_is_posted_by_the_page_for_what_it_shows(self, get: Get, meera: Wallet) -> None:
        pay(meera, times=notices.PAGE_SIZE + 2)
        page = get()
        shown = [row.subject for row in notices.page(user_id=owner(meera).pk).rows]
        assert all(f'name="subject" value="{subject}"' in page for subject in shown)

        answer = sign_in(meera).post("/notices/read/", {"subject": shown}, headers=HTMX)

        assert "2 unread" in answer.content.decode()
        assert unread(meera) == 2

    def test_of_all_is_one_press(self, meera: Wallet) -> None:
        pay(meera, times=3)

        client = sign_in(meera)
        assert "Mark all as read" in client.get("/notices/").content.decode()

        answer = client.post("/notices/read/")

        assert (answer.status_code, answer["Location"]) == (303, "/notices/")
        page = client.get("/notices/").content.decode()
        assert "Your notices are marked as read." in page
        assert "Mark all as read" not in page
        assert unread(meera) == 0

    def test_keeps_when_it_was_read_first(self, meera: Wallet) -> None:
        pay(meera)
        user, now = owner(meera), timezone.now()
        later = now + timedelta(days=1)

        assert services.read_notices(user_id=user.pk, subjects=[], now=now) == 1
        assert services.read_notices(user_id=user.pk, subjects=[], now=later) == 0

        assert Notice.objects.get(user=user).read_at == now

    def test_touches_nobody_elses(self, meera: Wallet) -> None:
        pay(meera)
        subject = Notice.objects.get(user=owner(meera)).subject
        stranger = sign_in(make_wallet())

        stranger.post("/notices/read/", {"subject": [subject]})
        stranger.post("/notices/read/")

        assert unread(meera) == 1

    @pytest.mark.parametrize("subject", HOSTILE.values(), ids=HOSTILE)
    def test_of_what_cannot_be_is_refused(self, meera: Wallet, subject: str | bytes) -> None:
        pay(meera)

        answer = sign_in(meera).post("/notices/read/", {"subject": subject})

        assert (answer.status_code, unread(meera)) == (400, 1)

    def test_of_more_than_a_page_is_refused(self, meera: Wallet) -> None:
        many = [str(uuid4()) for _ in range(notices.PAGE_SIZE + 1)]

        assert sign_in(meera).post("/notices/read/", {"subject": many}).status_code == 400

    def test_is_never_done_by_get(self, meera: Wallet) -> None:
        assert sign_in(meera).get("/notices/read/").status_code == 405


class TestTheBell:
    @pytest.mark.parametrize("path", ["/dashboard/", "/transactions/", "/settings/", "/notices/"])
    def test_counts_what_is_unread(self, get: Get, meera: Wallet, path: str) -> None:
        pay(meera, times=2)

        assert 'aria-label="Notices, 2 unread"' in get(path)

    def test_says_nothing_when_all_is_read(self, get: Get) -> None:
        assert 'aria-label="Notices"' in get("/dashboard/")

    def test_counts_no_further_than_nine(self, get: Get, meera: Wallet) -> None:
        pay(meera, times=12)

        assert 'aria-label="Notices, more than 9 unread"' in get("/dashboard/")

    def test_costs_no_query_of_its_own(
        self, meera: Wallet, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        pay(meera)
        client = sign_in(meera)

        with django_assert_num_queries(1):  # The session, its person, and what they have not read.
            client.get("/settings/")

    def test_is_read_by_its_index(self, meera: Wallet) -> None:
        found = Notice.objects.filter(user=owner(meera), read_at__isnull=True).values("pk")

        assert "notice_unread" in found.explain()

    def test_is_sent_again_only_when_it_counts_something_else(self, meera: Wallet) -> None:
        client = sign_in(meera)
        same = client.get("/notices/bell/?unread=0", headers=HTMX)
        pay(meera)

        other = client.get("/notices/bell/?unread=0", headers=HTMX)

        assert (same.status_code, same.content) == (204, b"")
        assert "1 unread" in other.content.decode()
        assert "notices-changed" in other["HX-Trigger-After-Swap"]

    def test_is_no_page(self, meera: Wallet) -> None:
        assert sign_in(meera).get("/notices/bell/")["Location"] == "/notices/"


def told(wallet: Wallet, kind: str = "received", at: datetime | None = None) -> Notice:
    """Tell of something that no app does yet, or that is hard to make happen."""
    return Notice.objects.create(
        user=owner(wallet),
        kind=kind,
        subject=uuid4(),
        who="Ana",
        amount_minor=5,
        currency="INR",
        happened_at=at or timezone.now(),
    )
