"""Events that wait for staff: they are shown until somebody looked, and applied again on demand."""

import json
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from onramp import services
from onramp.models import BankEvent, EventReview, OnRampTransaction
from tests.factories import available, make_user
from tests.onramp.support import message, post, refuses, start

pytestmark = pytest.mark.django_db
LIST, BOOKS = "/admin/onramp/bankevent/", "/admin/books/"
NOT_LOOKED_AT = f"{LIST}?status__exact=quarantined&verdict__exact=unknown_token"


def staff_with(*rights: str) -> Client:
    """Return the browser of one of staff who may do that with events."""
    user = make_user("Asha", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def asha() -> Client:
    return staff_with("view_bankevent", "change_bankevent")


@pytest.fixture
def strange() -> BankEvent:
    """A quarantined event."""
    post(message(start(), token="nobody-knows-me"))
    return BankEvent.objects.get()


@pytest.fixture
def onramp() -> OnRampTransaction:
    return start()


@pytest.fixture
def dead(onramp: OnRampTransaction) -> BankEvent:
    """An event that could not be applied in five tries."""
    body = json.dumps(message(onramp)).encode()
    services.receive_bank_event(
        bank="simbank", event_id="evt_1", body=body, headers={}, now=timezone.now()
    )
    mine = BankEvent.objects.filter(event_id="evt_1")
    for _ in range(5):
        mine.update(attempts=F("attempts") + 1)
    ProcrastinateJob.objects.all().delete()
    return mine.get()


def act(client: Client, action: str, *events: BankEvent, note: str = "") -> str:
    ticked = {"action": action, "note": note, "_selected_action": [event.pk for event in events]}
    return client.post(LIST, ticked, follow=True).content.decode()


def look(event: BankEvent, by: User, note: str = "Asked the bank.") -> None:
    services.review_events(event_ids=[event.pk], by_id=by.pk, note=note, now=timezone.now())


class TestAQuarantinedEvent:
    def test_is_on_the_books_page_until_somebody_looked(
        self, asha: Client, strange: BankEvent
    ) -> None:
        assert "Token is unknown" in asha.get(BOOKS).content.decode()

        answer = act(asha, "look_at", strange, note="  Asked the bank: a test of theirs. ")

        assert "1 events are marked as looked at." in answer
        assert "Token is unknown" not in asha.get(BOOKS).content.decode()
        review = EventReview.objects.get()
        assert (review.event, review.by.name) == (strange, "Asha")
        assert review.note == "Asked the bank: a test of theirs."

    def test_is_linked_from_there_and_no_more_once_looked_at(
        self, asha: Client, strange: BankEvent
    ) -> None:
        post(message(start(), token="nobody-either"), event_id="evt_second")
        look(strange, make_user("Ravi", is_staff=True))

        link = f"{NOT_LOOKED_AT}&reviews__isnull=True"
        assert link in unescape(asha.get(BOOKS).content.decode())
        page = asha.get(link).content.decode()

        assert ("evt_second" in page, strange.event_id in page) == (True, False)

    def test_says_who_looked_when_and_what_they_found(
        self, asha: Client, strange: BankEvent
    ) -> None:
        ravi = make_user("Ravi", is_staff=True)
        look(strange, ravi, "Asked the bank.")
        look(strange, ravi, "It was a <test>.")

        page = asha.get(f"{LIST}{strange.pk}/change/").content.decode()

        assert "Asked the bank." in page
        assert "It was a &lt;test&gt;." in page
        assert "Ravi" in page

    def test_stays_quarantined_and_moves_nothing(self, strange: BankEvent) -> None:
        look(strange, make_user("Ravi", is_staff=True))

        strange.refresh_from_db()
        assert (strange.status, strange.verdict) == ("quarantined", "unknown_token")

    @pytest.mark.parametrize("note", ["", "   ", "two\nlines", "x" * 501])
    def test_takes_a_note_that_says_something(
        self, asha: Client, strange: BankEvent, note: str
    ) -> None:
        act(asha, "look_at", strange, note=note)

        assert not EventReview.objects.exists()

    def test_is_the_only_one_that_is_looked_at(self, asha: Client, dead: BankEvent) -> None:
        assert "0 events" in act(asha, "look_at", dead, note="Nothing.")

        assert not EventReview.objects.exists()


class TestAnEventThatWasGivenUp:
    def test_is_on_the_books_page_until_it_is_applied_again(
        self, asha: Client, dead: BankEvent, onramp: OnRampTransaction
    ) -> None:
        assert services.apply_waiting_events(clock=timezone.now) == 0
        page = asha.get(BOOKS).content.decode()
        assert "could not be applied" in page
        assert "attempts__gte=5" in page

        assert "1 events will be applied" in act(asha, "apply_again", dead)

        assert [job.task_name for job in ProcrastinateJob.objects.all()] == ["onramp.apply"]
        assert services.apply_waiting_events(clock=timezone.now) == 1
        assert available(onramp.wallet) == onramp.amount_minor
        assert "attempts__gte=5" not in asha.get(BOOKS).content.decode()

    def test_is_applied_again_by_somebody_who_is_noted(self, asha: Client, dead: BankEvent) -> None:
        act(asha, "apply_again", dead)

        entry = LogEntry.objects.get()
        assert (entry.user.pk, entry.object_id) == (user_of(asha), str(dead.pk))
        assert "applied again" in entry.change_message

    def test_is_the_only_one_that_is_applied_again(self, asha: Client, strange: BankEvent) -> None:
        assert "0 events" in act(asha, "apply_again", strange)

        assert not LogEntry.objects.exists()
        assert not ProcrastinateJob.objects.filter(task_name="onramp.apply").exists()


def user_of(client: Client) -> int:
    return int(client.session["_auth_user_id"])


@pytest.mark.parametrize("action", ["look_at", "apply_again"])
def test_who_may_only_see_events_does_nothing_with_them(
    strange: BankEvent, dead: BankEvent, action: str
) -> None:
    watcher = staff_with("view_bankevent")

    act(watcher, action, strange, dead, note="I was here.")

    assert not EventReview.objects.exists()
    assert BankEvent.objects.given_up().exists()


class TestTheDatabase:
    @pytest.mark.parametrize("attempts", ["5", "attempts - 1", "attempts + 2"])
    def test_counts_tries_one_by_one(self, dead: BankEvent, attempts: str) -> None:
        services.apply_again(event_ids=[dead.pk])
        BankEvent.objects.update(attempts=1)

        change = f"UPDATE onramp_bankevent SET attempts = {attempts} WHERE id = %s"
        refuses(change, dead.pk, says="counted one by one")

    def test_starts_over_only_after_five(self, dead: BankEvent) -> None:
        services.apply_again(event_ids=[dead.pk])
        BankEvent.objects.update(attempts=1)

        refuses("UPDATE onramp_bankevent SET attempts = 0", says="counted one by one")

    def test_takes_reviews_of_quarantined_events_only(self, dead: BankEvent) -> None:
        with pytest.raises(IntegrityError, match="only a quarantined event"):
            insert(event=dead, by=make_user("Ravi", is_staff=True))

    @pytest.mark.parametrize("who", [{}, {"is_staff": True, "is_active": False}])
    def test_takes_reviews_of_staff_only(self, strange: BankEvent, who: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError, match="only staff"):
            insert(event=strange, by=make_user("Ravi", **who))

    def test_takes_no_review_that_says_nothing(self, strange: BankEvent) -> None:
        with pytest.raises(IntegrityError, match="event_review_says_what"):
            insert(event=strange, by=make_user("Ravi", is_staff=True), note="")

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE onramp_eventreview SET note = 'x'",
            "DELETE FROM onramp_eventreview",
            "TRUNCATE onramp_eventreview",
        ],
    )
    def test_only_ever_adds_reviews(self, strange: BankEvent, sql: str) -> None:
        look(strange, make_user("Ravi", is_staff=True))

        connection.check_constraints()
        refuses(sql, says="only ever added to")


def insert(**fields: Any) -> None:
    with transaction.atomic():
        EventReview.objects.create(**{"at": timezone.now(), "note": "Asked."} | fields)
