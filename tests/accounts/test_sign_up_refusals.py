"""Joining, refused: what somebody has already, and what nobody can have."""

import pytest
from django.test import Client

from accounts import services
from accounts.forms import SignUpForm
from accounts.models import User
from tests.accounts import hostile
from tests.accounts.conftest import Post, text_of
from tests.factories import make_user
from wallet.models import Wallet


class TestTaken:
    def test_phone_is_refused_in_any_form(self, sign_up: Post) -> None:
        make_user(phone="+919845068214")

        response = sign_up(phone="0091 98450-68214")

        assert response.status_code == 422
        assert "This phone number already has an account." in text_of(response)

    def test_email_is_refused_in_any_case(self, sign_up: Post) -> None:
        make_user(email="kabir@example.com")

        response = sign_up(phone="", email="KABIR@example.com")

        assert response.status_code == 422
        assert "This email address already has an account." in text_of(response)

    @pytest.mark.parametrize("field", ["phone", "email", "handle"])
    def test_is_refused_by_the_insert_when_the_form_did_not_see_it(
        self, sign_up: Post, monkeypatch: pytest.MonkeyPatch, field: str
    ) -> None:
        same = {"phone": "+919845068214", "email": "kabir@example.com", "handle": "kabir"}
        make_user(**{"phone": "+919800000000", field: same[field]})
        monkeypatch.setattr("accounts.selectors.taken_fields", lambda **_: [])

        response = sign_up(**same)

        assert response.status_code == 422
        assert services.taken(field) in text_of(response)
        assert User.objects.count() == Wallet.objects.count() == 1

    def test_password_is_not_hashed_when_the_form_can_tell(
        self, sign_up: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_user(phone="+919845068214")
        monkeypatch.setattr("accounts.services.make_password", pytest.fail)

        assert sign_up().status_code == 422


class TestBadInput:
    @pytest.mark.parametrize("name", hostile.LINES.values(), ids=hostile.LINES)
    def test_in_the_name_is_refused_with_a_sentence(self, sign_up: Post, name: str) -> None:
        response = sign_up(name=name)

        assert response.status_code == 422
        assert 'id="id_name-e"' in text_of(response)
        assert not User.objects.exists()

    @pytest.mark.parametrize("name", hostile.SAFE_NAMES.values(), ids=hostile.SAFE_NAMES)
    def test_that_only_looks_bad_is_kept_as_it_is_and_shown_escaped(
        self, client: Client, sign_up: Post, name: str
    ) -> None:
        assert sign_up(name=name).status_code == 302

        page = client.get("/settings/").content.decode()
        assert User.objects.get().name == name
        assert "<script>alert" not in page
        assert "<img src=x" not in page

    @pytest.mark.parametrize("phone", hostile.NOT_PHONES.values(), ids=hostile.NOT_PHONES)
    def test_in_the_phone_is_refused_with_a_sentence(self, sign_up: Post, phone: str) -> None:
        response = sign_up(phone=phone, email="kabir@example.com")

        assert response.status_code == 422
        assert "Enter a mobile number such as 98450 68214" in text_of(response)
        assert not User.objects.exists()

    @pytest.mark.parametrize("email", hostile.NOT_EMAILS.values(), ids=hostile.NOT_EMAILS)
    def test_in_the_email_is_refused_with_a_sentence(self, sign_up: Post, email: str) -> None:
        response = sign_up(email=email)

        assert response.status_code == 422
        assert "Enter an email address such as name@example.com." in text_of(response)
        assert not User.objects.exists()

    @pytest.mark.parametrize("handle", hostile.NOT_HANDLES.values(), ids=hostile.NOT_HANDLES)
    def test_in_the_handle_is_refused_with_a_sentence(self, sign_up: Post, handle: str) -> None:
        response = sign_up(handle=handle)

        assert response.status_code == 422
        assert 'id="id_handle-e"' in text_of(response)
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        ("password", "sentence"),
        [
            ("parrots", "too short"),
            ("password1", "too common"),
            ("98450682", "entirely numeric"),
            ("kabir mehta", "too similar to the name"),
            ("with\0nul-inside", "characters that we cannot read"),
            ("p" * 129, "128 characters or fewer"),
            ("p" * 200_000, "128 characters or fewer"),
        ],
    )
    def test_in_the_password_is_refused_before_it_is_hashed(
        self, sign_up: Post, monkeypatch: pytest.MonkeyPatch, password: str, sentence: str
    ) -> None:
        monkeypatch.setattr("accounts.services.make_password", pytest.fail)

        response = sign_up(password=password)

        assert response.status_code == 422
        assert sentence in text_of(response)

    def test_of_a_megabyte_is_refused_unread(self, sign_up: Post) -> None:
        body = "password=" + "p" * 1_000_000

        response = Client().post(
            "/accounts/signup/", body, content_type="application/x-www-form-urlencoded"
        )

        assert response.status_code in (400, 413)

    @pytest.mark.parametrize("field", ["name", "phone", "email", "handle", "password"])
    def test_with_half_a_character_is_refused_and_can_be_shown_again(self, field: str) -> None:
        form = SignUpForm({"name": "Kabir", "password": "seven-green-parrots", field: "ab\ud800cd"})

        assert field in form.errors
        assert str(form).encode()

    def test_of_the_wrong_type_is_never_our_error(self, client: Client) -> None:
        response = client.post(
            "/accounts/signup/", {"name": ["Kabir"]}, content_type="application/json"
        )

        assert response.status_code == 422
