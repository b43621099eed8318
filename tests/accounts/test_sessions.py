"""Sessions: one query finds who is there, and the signed data alone says who that is."""

from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Session, User
from accounts.sessions import SessionStore
from tests.accounts.conftest import Post
from tests.factories import PASSWORD, make_user

PAGE = "/settings/"


@pytest.fixture
def meera() -> User:
    return make_user("Meera Iyer", handle="meera", phone="+919845068214")


@pytest.fixture
def browser(client: Client, sign_in: Post, meera: User) -> Client:
    """Meera has signed in here."""
    sign_in("@meera", PASSWORD)
    return client


def is_in(browser: Client) -> bool:
    return browser.get(PAGE).status_code == 200


class TestSession:
    def test_names_who_signed_in(self, browser: Client, meera: User) -> None:
        assert Session.objects.get().user == meera

    def test_is_read_with_its_person(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            assert is_in(browser)

    def test_is_asked_for_its_person_once(self, browser: Client, meera: User) -> None:
        person = browser.get(PAGE).wsgi_request.user

        assert (type(person), person) == (User, meera)  # No lazy object any more.

    def test_of_before_names_nobody_and_still_opens(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        Session.objects.update(user=None)

        with django_assert_num_queries(2):
            assert is_in(browser)

    def test_is_whose_the_signed_data_says(self, browser: Client, meera: User) -> None:
        Session.objects.update(user=make_user("Kabir Mehta"))

        answer = browser.get(PAGE)

        assert answer.wsgi_request.user == meera
        assert "Kabir" not in answer.content.decode()

    def test_without_signed_data_is_nobody_s(self, browser: Client) -> None:
        Session.objects.update(session_data="e30:1:forged")

        assert not is_in(browser)

    def test_of_somebody_who_signed_out_is_gone(self, browser: Client) -> None:
        browser.post("/accounts/logout/")

        assert not Session.objects.exists()
        assert not is_in(browser)

    def test_that_was_taken_away_is_over(self, browser: Client) -> None:
        assert is_in(browser)

        Session.objects.all().delete()

        assert not is_in(browser)

    def test_is_over_when_its_time_is(self, browser: Client) -> None:
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

        assert not is_in(browser)

    @pytest.mark.parametrize("named", ["meera", None])
    def test_is_over_when_its_person_may_not_be_here(
        self, browser: Client, meera: User, named: str | None
    ) -> None:
        Session.objects.update(user=meera if named else None)
        assert is_in(browser)

        User.objects.filter(pk=meera.pk).update(is_active=False)

        assert not is_in(browser)

    def test_is_over_when_the_password_was_changed_elsewhere(
        self, browser: Client, meera: User
    ) -> None:
        assert is_in(browser)

        meera.set_password("another-horse-battery")
        meera.save(update_fields=["password"])

        assert not is_in(browser)

    def test_changes_hands_with_who_signs_in(self, browser: Client, meera: User) -> None:
        kabir = make_user("Kabir Mehta")

        browser.force_login(kabir)

        assert Session.objects.get().user == kabir
        assert browser.get(PAGE).wsgi_request.user == kabir

    def test_keeps_what_is_put_into_it(self, browser: Client, meera: User) -> None:
        before = Session.objects.get().expire_date
        session = browser.session
        session["seen"] = True
        session.save()

        assert browser.session["seen"] is True
        kept = Session.objects.get()
        assert (kept.user, kept.session_key) == (meera, session.session_key)
        assert kept.expire_date > before

    def test_is_not_kept_when_it_was_taken_away_meanwhile(self, browser: Client) -> None:
        session = browser.session
        session["seen"] = True
        Session.objects.all().delete()

        with pytest.raises(UpdateError):
            session.save()
        assert not Session.objects.exists()

    def test_of_a_stranger_names_nobody(self, client: Client) -> None:
        session = client.session
        session["seen"] = True
        session.save()

        assert SESSION_KEY not in session
        assert Session.objects.get().user is None
        kept = SessionStore(session.session_key)
        assert kept.load() == {"seen": True}
        assert kept.person is None
        assert not is_in(client)


@pytest.mark.django_db(transaction=True)
class TestColumn:
    def test_comes_and_goes_without_a_session_lost(self, client: Client) -> None:
        client.force_login(make_user())
        try:
            MigrationExecutor(connection).migrate([("accounts", "0004_corrections_are_told")])
        finally:
            MigrationExecutor(connection).migrate([("accounts", "0005_sessions_name_their_person")])

        assert is_in(client)
