"""Changing a password, and getting back in without it."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import text_of, who
from tests.factories import PASSWORD, make_user

NEW = "seven-green-parrots"


@pytest.fixture
def farah() -> User:
    return make_user("Farah Khan", handle="farah", email="farah@example.com")


class TestChange:
    def test_keeps_this_session_and_ends_the_others(self, client: Client, farah: User) -> None:
        client.force_login(farah)
        other = Client()
        other.force_login(farah)

        response = client.post(
            "/accounts/password/change/", {"oldpassword": PASSWORD, "password": NEW}
        )

        farah.refresh_from_db()
        assert (response.status_code, response["Location"]) == (302, "/settings/")
        assert farah.check_password(NEW)
        assert client.get("/settings/").status_code == 200
        assert other.get("/settings/").status_code == 302

    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            ("not it", NEW, "That is not your current password."),
            ("", NEW, "Enter your current password."),
            (PASSWORD, "", "Choose a password."),
            (PASSWORD, "short", "too short"),
            (PASSWORD, "farah@example.com", "too similar"),
            (PASSWORD, "p" * 200_000, "128 characters or fewer"),
            ("p" * 200_000, NEW, "128 characters or fewer"),
        ],
    )
    def test_refuses_with_a_sentence(
        self, client: Client, farah: User, old: str, new: str, sentence: str
    ) -> None:
        client.force_login(farah)

        response = client.post("/accounts/password/change/", {"oldpassword": old, "password": new})

        farah.refresh_from_db()
        assert response.status_code == 422
        assert sentence in text_of(response)  # type: ignore[arg-type]
        assert farah.check_password(PASSWORD)

    def test_sends_who_has_no_password_to_get_one_by_mail(
        self, client: Client, farah: User
    ) -> None:
        farah.set_unusable_password()
        farah.save()
        client.force_login(farah)

        assert client.get("/accounts/password/change/")["Location"] == "/accounts/password/reset/"


@pytest.fixture
def mail_is_set_up(settings: Any) -> None:
    settings.SENDS_MAIL = True


class TestResetWithoutMail:
    @pytest.mark.parametrize("path", ["", "done/", "key/1-abc-def/", "key/done/"])
    def test_is_not_there(self, client: Client, path: str) -> None:
        page = client.get(f"/accounts/password/reset/{path}")

        assert page.status_code == 404
        assert "No mail is set up here" in page.content.decode()

    def test_sends_and_prints_nothing(
        self, client: Client, farah: User, capsys: pytest.CaptureFixture[str]
    ) -> None:
        response = client.post("/accounts/password/reset/", {"email": farah.email})

        assert (response.status_code, mail.outbox) == (404, [])
        assert "farah" not in "".join(capsys.readouterr())

    @pytest.mark.parametrize("path", ["/", "/accounts/login/"])
    def test_is_not_offered(self, client: Client, settings: Any, path: str) -> None:
        assert "Forgot it?" not in client.get(path).content.decode()

        settings.SENDS_MAIL = True
        assert "Forgot it?" in client.get(path).content.decode()


@pytest.mark.usefixtures("mail_is_set_up")
class TestReset:
    def link(self, client: Client, email: str) -> str:
        response = client.post("/accounts/password/reset/", {"email": email})
        assert response["Location"] == "/accounts/password/reset/done/"
        match = re.search(r"https?://[^/\s]+(/\S+)", str(mail.outbox[-1].body))
        assert match
        return match[1]

    def test_leads_by_mail_to_a_new_password_once(self, client: Client, farah: User) -> None:
        link = self.link(client, "Farah@Example.com")
        form = client.get(link)["Location"]
        assert client.get(form).status_code == 200

        response = client.post(form, {"password": NEW})

        farah.refresh_from_db()
        assert response["Location"] == "/accounts/password/reset/key/done/"
        assert farah.check_password(NEW)
        assert who(client) is None
        assert Client().get(link).status_code == 404

    def test_refuses_a_weak_password(self, client: Client, farah: User) -> None:
        form = client.get(self.link(client, "farah@example.com"))["Location"]

        assert client.post(form, {"password": "short"}).status_code == 422

    def test_says_the_same_of_an_unknown_address_and_writes_to_nobody(self, client: Client) -> None:
        response = client.post("/accounts/password/reset/", {"email": "nobody@example.com"})

        assert response["Location"] == "/accounts/password/reset/done/"
        assert mail.outbox == []

    def test_names_our_own_host_whatever_the_request_says(
        self, client: Client, farah: User, settings: Any
    ) -> None:
        settings.SITE_URL = "https://pay.example"
        client.post(
            "/accounts/password/reset/",
            {"email": "farah@example.com"},
            headers={"Host": "localhost"},
        )

        assert "https://pay.example/accounts/password/reset/key/" in str(mail.outbox[0].body)

    def test_works_for_who_joined_by_the_form(self, client: Client) -> None:
        typed = {"name": "Dev", "email": "dev@example.com", "password": "not-this-any-more"}
        client.post("/accounts/signup/", typed)
        client.post("/accounts/logout/")
        form = client.get(self.link(client, "dev@example.com"))["Location"]

        client.post(form, {"password": NEW})

        assert User.objects.get().check_password(NEW)
        assert EmailAddress.objects.count() == 1

    @pytest.mark.parametrize(
        "key", ["1-x", "zzzzzzzzzzzzz-abc-def", "1-" + "9" * 100, "0-set-password"]
    )
    def test_refuses_a_link_that_was_never_sent(self, client: Client, key: str) -> None:
        response = client.get(f"/accounts/password/reset/key/{key}/")

        assert response.status_code == 404
        assert "This link does not work any more" in response.content.decode()

    @pytest.mark.parametrize("email", ["", "nobody", "a\0@x.example", "k" * 100_000])
    def test_refuses_what_is_no_address(self, client: Client, email: str) -> None:
        assert client.post("/accounts/password/reset/", {"email": email}).status_code == 422

    def test_owns_up_where_mail_is_only_printed(self, client: Client, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

        page = client.get("/accounts/password/reset/done/").content.decode()

        assert "This demonstration sends no mail." in page
