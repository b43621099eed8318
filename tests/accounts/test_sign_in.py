"""Coming in and going out."""

from typing import Any

import pytest
from django.test import Client

from accounts.forms import SignInForm
from accounts.models import User
from tests.accounts import hostile
from tests.accounts.conftest import Post, text_of, who
from tests.factories import PASSWORD, make_user

MISMATCH = "That does not match an account. Check both and try again."


@pytest.fixture
def meera() -> User:
    return make_user("Meera Iyer", handle="meera", phone="+919845068214", email="meera@example.com")


class TestSignIn:
    @pytest.mark.parametrize(
        "login",
        [
            "98450 68214",
            "+91 98450-68214",
            "00919845068214",
            " 9845068214 ",
            "meera@example.com",
            "MEERA@Example.com",
            "@meera",
            "Meera",
        ],
    )
    def test_knows_a_person_by_phone_email_or_handle(
        self, client: Client, sign_in: Post, meera: User, login: str
    ) -> None:
        response = sign_in(login, PASSWORD)

        assert (response.status_code, response["Location"]) == (302, "/dashboard/")
        assert who(client) == meera

    def test_goes_where_the_person_was_going(self, sign_in: Post, meera: User) -> None:
        assert sign_in("@meera", PASSWORD, next="/settings/?a=1")["Location"] == "/settings/?a=1"

    @pytest.mark.parametrize(
        "elsewhere", ["https://evil.example/", "//evil.example", "//[", "/a\nb", "\x00/"]
    )
    def test_never_goes_elsewhere(self, sign_in: Post, meera: User, elsewhere: str) -> None:
        assert sign_in("@meera", PASSWORD, next=elsewhere)["Location"] == "/dashboard/"

    def test_keeps_the_way_through_a_failed_try(self, sign_in: Post, meera: User) -> None:
        page = text_of(sign_in("@meera", "wrong", next="/settings/"))

        assert '<input type="hidden" name="next" value="/settings/">' in page
        assert 'href="/accounts/signup/?next=%2Fsettings%2F"' in page

    def test_shows_no_way_that_leads_elsewhere(self, sign_in: Post, meera: User) -> None:
        assert "evil" not in text_of(sign_in("@meera", "wrong", next="https://evil.example/"))

    def test_from_the_landing_page_posts_to_the_same_door(self, client: Client) -> None:
        page = client.get("/").content.decode()

        assert 'action="/accounts/login/"' in page
        assert 'name="login"' in page
        assert 'name="password"' in page

    def test_makes_a_new_session(self, client: Client, sign_in: Post, meera: User) -> None:
        client.get("/accounts/login/")
        before = client.session.session_key

        sign_in("@meera", PASSWORD)

        assert client.session.session_key != before


class TestRefusal:
    @pytest.mark.parametrize(
        "login",
        [
            *("9845068214", "meera@example.com", "@meera"),
            *(
                "9999999999",
                "nobody@example.com",
                "@nobody",
                "NaN",
                "1e9",
                "\uff19\uff18\uff14\uff15\uff10\uff16\uff18\uff12\uff11\uff14",
            ),
        ],
    )
    def test_says_the_same_of_a_wrong_password_and_an_unknown_account(
        self, client: Client, sign_in: Post, meera: User, login: str
    ) -> None:
        response = sign_in(login, "not-the-password")

        assert response.status_code == 422
        assert text_of(response).count(MISMATCH) == 2  # in the summary, and beside the field
        assert who(client) is None

    @pytest.mark.parametrize("login", ["9845068214", "meera@example.com", "@meera", "nobody@x.io"])
    def test_costs_one_hash_whoever_it_is(
        self, sign_in: Post, meera: User, monkeypatch: pytest.MonkeyPatch, login: str
    ) -> None:
        hashed: list[str] = []

        def verify(*_: Any) -> bool:
            hashed.append("verified")
            return False

        def encode(*_: Any) -> str:
            hashed.append("made")
            return "argon2$"

        monkeypatch.setattr("accounts.hashers.Argon2PasswordHasher.verify", verify)
        monkeypatch.setattr("accounts.hashers.Argon2PasswordHasher.encode", encode)

        sign_in(login, "not-the-password")

        assert len(hashed) == 1

    def test_tells_a_closed_account_only_to_who_knows_the_password(
        self, client: Client, sign_in: Post, meera: User
    ) -> None:
        User.objects.update(is_active=False)

        assert MISMATCH in text_of(sign_in("@meera", "not-the-password"))
        assert sign_in("@meera", PASSWORD)["Location"] == "/accounts/inactive/"
        assert who(client) is None
        assert "This account is closed" in client.get("/accounts/inactive/").content.decode()

    @pytest.mark.parametrize("login", hostile.LINES.values(), ids=hostile.LINES)
    @pytest.mark.parametrize("password", ["p", "p" * 100_000, "\0"])
    def test_of_bad_input_is_a_sentence(self, sign_in: Post, login: str, password: str) -> None:
        assert sign_in(login, password).status_code == 422

    @pytest.mark.parametrize("field", ["login", "password"])
    def test_of_half_a_character_is_a_sentence(self, field: str) -> None:
        form = SignInForm({"login": "@meera", "password": "seven", field: "ab\ud800cd"})

        assert field in form.errors
        assert str(form).encode()

    def test_of_a_long_password_hashes_nothing(
        self, sign_in: Post, meera: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("accounts.hashers.Argon2PasswordHasher.verify", pytest.fail)
        monkeypatch.setattr("accounts.hashers.Argon2PasswordHasher.encode", pytest.fail)

        assert sign_in("@meera", "p" * 129).status_code == 422

    def test_answers_a_page_to_who_asks_for_json(self, client: Client) -> None:
        response = client.post(
            "/accounts/login/", {"login": "x"}, headers={"Accept": "application/json"}
        )

        assert response.status_code == 422
        assert response["Content-Type"].startswith("text/html")


class TestSignOut:
    def test_asks_first_when_it_is_only_looked_at(self, client: Client, meera: User) -> None:
        client.force_login(meera)

        assert client.get("/accounts/logout/").status_code == 200
        assert who(client) == meera

    def test_happens_by_post(self, client: Client, meera: User) -> None:
        client.force_login(meera)

        assert client.post("/accounts/logout/")["Location"] == "/"
        assert who(client) is None


class TestDoors:
    @pytest.mark.parametrize(
        "path",
        [
            *("email/", "confirm-email/", "confirm-email/x/", "reauthenticate/", "password/set/"),
            *(
                "phone/verify/",
                "phone/change/",
                "login/code/",
                "login/code/confirm/",
                "",
                "3rdparty/",
            ),
        ],
    )
    def test_that_lead_nowhere_are_not_there(self, client: Client, meera: User, path: str) -> None:
        client.force_login(meera)

        assert client.get(f"/accounts/{path}").status_code == 404

    @pytest.mark.parametrize(
        "path", ["/settings/", "/settings/profile/", "/accounts/password/change/"]
    )
    def test_to_private_pages_lead_to_sign_in(self, client: Client, path: str) -> None:
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"

    @pytest.mark.parametrize(
        "path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/"]
    )
    def test_of_everybody_open_without_a_session(
        self, client: Client, settings: Any, path: str
    ) -> None:
        settings.SENDS_MAIL = True
        response = client.get(path)

        assert response.status_code == 200
        assert "sessionid" not in response.cookies
