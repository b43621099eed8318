"""A person's own settings."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import services
from accounts.models import User
from tests.accounts import hostile
from tests.accounts.conftest import text_of
from tests.factories import make_user

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ananya(client: Client) -> User:
    person = make_user(
        "Ananya Rao", handle="ananya", phone="+919845068214", email="ananya@example.com"
    )
    client.force_login(person)
    return person


class TestSettingsPage:
    def test_shows_who_i_am_and_half_of_my_phone(self, client: Client, ananya: User) -> None:
        page = client.get("/settings/").content.decode()

        assert all(part in page for part in ("Ananya Rao", "@ananya", "ananya@example.com"))
        assert "+91 ••••• 68214" in page
        assert "9845068214" not in page

    def test_opens_for_who_has_no_phone(self, client: Client) -> None:
        client.force_login(make_user(phone=None, email="a@example.com"))

        assert client.get("/settings/").status_code == 200

    def test_is_kept_by_no_cache(self, client: Client, ananya: User) -> None:
        assert "no-store" in client.get("/settings/")["Cache-Control"]


class TestProfile:
    def test_saves_name_and_handle(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/profile/", {"name": "Ananya R.", "handle": "@Ananya.R"})

        ananya.refresh_from_db()
        assert (response.status_code, response["Location"]) == (303, "/settings/")
        assert (ananya.name, ananya.handle) == ("Ananya R.", "ananya.r")

    def test_saves_what_did_not_change(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/profile/", {"name": "Ananya Rao", "handle": "ananya"})

        assert response.status_code == 303

    def test_refuses_the_handle_of_somebody_else(self, client: Client, ananya: User) -> None:
        make_user(handle="kabir")

        response = client.post("/settings/profile/", {"name": "Ananya", "handle": "kabir"})

        assert response.status_code == 422
        assert services.taken("handle") in text_of(response)  # type: ignore[arg-type]

    def test_refuses_it_in_a_race_too(
        self, client: Client, ananya: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_user(handle="kabir")
        monkeypatch.setattr("accounts.selectors.taken_fields", lambda **_: [])

        response = client.post("/settings/profile/", {"name": "Ananya", "handle": "kabir"})

        assert response.status_code == 422
        assert services.taken("handle") in text_of(response)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", hostile.LINES.values(), ids=hostile.LINES)
    def test_refuses_bad_names(self, client: Client, ananya: User, name: str) -> None:
        response = client.post("/settings/profile/", {"name": name, "handle": "ananya"})

        assert response.status_code == 422

    @pytest.mark.parametrize("handle", hostile.NOT_HANDLES.values(), ids=hostile.NOT_HANDLES)
    def test_refuses_bad_handles(self, client: Client, ananya: User, handle: str) -> None:
        response = client.post("/settings/profile/", {"name": "Ananya", "handle": handle})

        assert response.status_code == 422


class TestLook:
    def test_keeps_a_theme_that_the_next_page_wears(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/look/", {"theme": "dark"})

        assert (response.status_code, response["Location"]) == (303, "/settings/")
        assert '<html lang="en-IN" data-theme="dark">' in client.get("/settings/").content.decode()

    def test_forgets_it_when_the_system_shall_decide(self, client: Client, ananya: User) -> None:
        client.cookies["theme"] = "dark"

        client.post("/settings/look/", {"theme": "auto"})

        assert "data-theme" not in client.get("/settings/").content.decode()

    def test_answers_htmx_without_a_page(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/look/", {"theme": "light"}, headers=HTMX)

        assert (response.status_code, response.content) == (204, b"")
        assert response.cookies["theme"].value == "light"

    @pytest.mark.parametrize("theme", ["", "blue", "dark; path=/x", "\0", "d" * 9_999])
    def test_refuses_a_theme_that_there_is_not(
        self, client: Client, ananya: User, theme: str
    ) -> None:
        response = client.post("/settings/look/", {"theme": theme})

        assert response.status_code == 400
        assert "theme" not in response.cookies

    @pytest.mark.parametrize(
        ("referrer", "to"),
        [
            ("http://testserver/send/?to=x", "http://testserver/send/?to=x"),
            ("https://evil.example/", "/settings/"),
            ("//[", "/settings/"),
        ],
    )
    def test_goes_back_to_the_page_it_came_from_if_that_is_ours(
        self, client: Client, ananya: User, referrer: str, to: str
    ) -> None:
        response = client.post("/settings/look/", {"theme": "dark"}, headers={"Referer": referrer})

        assert response["Location"] == to

    @pytest.mark.parametrize("to", ["/a\r\nX-Evil: 1", "https://evil.example", "/" + "a" * 9_999])
    def test_never_goes_to_a_next_that_is_not_ours(
        self, client: Client, ananya: User, to: str
    ) -> None:
        response = client.post("/settings/look/", {"theme": "dark", "next": to})

        assert response["Location"] == "/settings/"

    def test_does_nothing_by_get(self, client: Client, ananya: User) -> None:
        assert client.get("/settings/look/").status_code == 405


class TestPrivacy:
    def test_hides_amounts_and_shows_them(self, client: Client, ananya: User) -> None:
        client.post("/settings/privacy/", {"private": ["0", "1"]})  # the switch is on
        hidden = client.get("/settings/").content.decode()

        client.post("/settings/privacy/", {"private": "0"})  # the switch is off

        assert "data-private" in hidden
        assert "data-private" not in client.get("/settings/").content.decode()

    def test_turns_round_for_the_eye_which_says_nothing(self, client: Client, ananya: User) -> None:
        turned = [
            client.post("/settings/privacy/").cookies["private"].value,
            client.post("/settings/privacy/").cookies["private"].value,
        ]

        assert turned == ["1", "0"]

    def test_refuses_what_is_neither(self, client: Client, ananya: User) -> None:
        assert client.post("/settings/privacy/", {"private": "yes"}).status_code == 400

    def test_tells_htmx_in_a_toast(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/privacy/", {"private": "1"}, headers=HTMX)

        assert response.status_code == 204
        assert "Amounts are hidden" in response["HX-Trigger"]


class TestMail:
    @pytest.fixture(autouse=True)
    def _house_sends_mail(self, settings: Settings) -> None:
        settings.SENDS_MAIL = True

    def test_is_on_for_everything_at_first(self, client: Client, ananya: User) -> None:
        page = client.get("/settings/").content.decode()

        assert page.count('role="switch" name="received" checked') == 1
        assert page.count(" checked>") >= 3

    def test_is_chosen_for_each_kind(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/mail/", {"added": "on"})

        ananya.refresh_from_db()
        chosen = (ananya.mail_received, ananya.mail_added, ananya.mail_other)
        assert chosen == (False, True, False)
        assert (response.status_code, response["Location"]) == (303, "/settings/")
        page = client.get("/settings/").content.decode()
        assert "Your choice is saved." in page
        assert 'name="received">' in page
        assert 'name="added" checked>' in page

    def test_tells_htmx_in_a_toast(self, client: Client, ananya: User) -> None:
        response = client.post("/settings/mail/", {}, headers=HTMX)

        assert response.status_code == 204
        assert "Your choice is saved" in response["HX-Trigger"]

    def test_of_somebody_else_stays_as_it_is(self, client: Client, ananya: User) -> None:
        kabir = make_user(email="kabir@example.com")

        client.post("/settings/mail/", {})

        kabir.refresh_from_db()
        assert (kabir.mail_received, kabir.mail_added, kabir.mail_other) == (True, True, True)

    def test_is_not_offered_to_who_has_no_address(self, client: Client) -> None:
        client.force_login(make_user())

        page = client.get("/settings/").content.decode()

        assert "Your account has no email address" in page
        assert 'name="received"' not in page

    def test_is_not_offered_where_none_is_sent(
        self, client: Client, ananya: User, settings: Settings
    ) -> None:
        settings.SENDS_MAIL = False

        assert "Notices by email" not in client.get("/settings/").content.decode()

    def test_does_nothing_by_get(self, client: Client, ananya: User) -> None:
        assert client.get("/settings/mail/").status_code == 405

    @pytest.mark.parametrize("text", ["\0", "x" * 9_999, "false"])
    def test_takes_whatever_a_switch_says(self, client: Client, ananya: User, text: str) -> None:
        assert client.post("/settings/mail/", {"received": text}).status_code == 303
