"""Joining: what is asked, what is refused, and what exists afterwards."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from accounts import services
from accounts.forms import SignUpForm
from accounts.models import User
from tests.accounts import hostile
from tests.accounts.conftest import Post, text_of, who
from tests.factories import make_user
from wallet import services as wallet_services
from wallet.models import Wallet


class TestSignUp:
    @pytest.mark.parametrize(
        "typed",
        ["98450 68214", "+91 98450 68214", "0091 98450 68214", "(098450) 68-214", "919845068214"],
    )
    def test_keeps_a_phone_in_one_form_however_it_is_typed(self, sign_up: Post, typed: str) -> None:
        response = sign_up(phone=typed)

        assert (response.status_code, response["Location"]) == (302, "/dashboard/")
        assert User.objects.get().phone == "+919845068214"

    def test_signs_the_person_in_and_opens_their_wallet(
        self, client: Client, sign_up: Post
    ) -> None:
        sign_up()

        kabir = User.objects.get()
        assert who(client) == kabir
        assert (kabir.name, kabir.handle, kabir.email) == ("Kabir Mehta", "kabir", None)
        assert Wallet.objects.get().owner == kabir

    def test_keeps_the_password_as_argon2(self, sign_up: Post) -> None:
        sign_up()

        assert User.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")

    def test_takes_an_email_alone_and_keeps_it_in_lower_case(self, sign_up: Post) -> None:
        sign_up(phone="", email=" Kabir.Mehta@Example.COM ")

        kabir = User.objects.get()
        address = EmailAddress.objects.get()
        assert (kabir.phone, kabir.email) == (None, "kabir.mehta@example.com")
        assert (address.user, address.email, address.primary) == (kabir, kabir.email, True)

    def test_takes_a_form_that_has_only_the_fields_it_needs(self, sign_up: Post) -> None:
        assert sign_up(email=None).status_code == 302

    def test_asks_for_a_phone_or_an_email(self, sign_up: Post) -> None:
        response = sign_up(phone="", email="")

        assert response.status_code == 422
        assert "Enter a phone number or an email address to sign in with." in text_of(response)
        assert not User.objects.exists()

    def test_says_what_is_missing_from_an_empty_form(self, client: Client) -> None:
        response = client.post("/accounts/signup/")

        page = text_of(response)  # type: ignore[arg-type]
        assert response.status_code == 422
        assert "Enter your name." in page
        assert "Choose a password." in page
        assert "<title>Error: " in page

    def test_goes_where_the_person_was_going(self, sign_up: Post) -> None:
        assert sign_up(next="/settings/")["Location"] == "/settings/"

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example/",
            "//evil.example",
            "//[",
            "javascript:alert(1)",
            "/\\evil.example",
        ],
    )
    def test_never_goes_elsewhere(self, sign_up: Post, elsewhere: str) -> None:
        assert sign_up(next=elsewhere)["Location"] == "/dashboard/"

    def test_sends_whoever_is_signed_in_to_the_dashboard(self, client: Client) -> None:
        client.force_login(make_user())

        assert client.get("/accounts/signup/")["Location"] == "/dashboard/"


class TestHandles:
    def test_come_from_the_name_when_none_is_chosen(self, sign_up: Post) -> None:
        make_user(handle="kabir")

        sign_up()

        assert User.objects.filter(handle="kabirmehta", name="Kabir Mehta").exists()

    def test_are_made_for_names_without_latin_letters(self, sign_up: Post) -> None:
        sign_up(name="कबीर मेहता")

        assert User.objects.get().handle.startswith("person")

    def test_are_kept_without_the_at_sign_and_in_lower_case(self, sign_up: Post) -> None:
        sign_up(handle="@Kabir.M")

        assert User.objects.get().handle == "kabir.m"

    def test_that_are_chosen_but_taken_are_refused(self, sign_up: Post) -> None:
        make_user(handle="kabir")

        response = sign_up(handle="kabir")

        assert response.status_code == 422
        assert "Somebody else has this handle" in text_of(response)

    def test_made_for_many_of_one_name_are_all_different(self) -> None:
        people = [
            services.join(
                name="Al", phone=f"+9198450{n:05d}", email=None, handle=None, password_hash="!"
            )
            for n in range(30)
        ]

        assert len({person.handle for person in people}) == 30


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


class TestOneTransaction:
    def test_leaves_no_person_when_the_wallet_does_not_open(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: Any) -> None:
            raise RuntimeError("no wallet today")

        monkeypatch.setattr(wallet_services, "open_wallet", refuse)

        with pytest.raises(RuntimeError, match="no wallet today"):
            services.join(
                name="Kabir",
                phone=None,
                email="kabir@example.com",
                handle="kabir",
                password_hash="!",
            )

        assert not User.objects.exists()
        assert not EmailAddress.objects.exists()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "same", [{"phone": "98450 68214"}, {"phone": "", "email": "k@x.example"}]
    )
    def test_makes_one_account_of_eight_at_once(self, same: dict[str, str]) -> None:
        def join(number: int) -> HttpResponse:
            typed = {"name": f"Kabir {number}", "password": "seven-green-parrots", **same}
            try:
                return Client().post("/accounts/signup/", typed)  # type: ignore[return-value]
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(join, range(8)))

        assert sorted(answer.status_code for answer in answers) == [302] + [422] * 7
        assert User.objects.count() == Wallet.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_gives_eight_people_of_one_name_eight_handles_at_once(self) -> None:
        def join(number: int) -> str:
            try:
                phone = f"+91984506821{number}"
                return services.join(
                    name="Kabir", phone=phone, email=None, handle=None, password_hash="!"
                ).handle
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            handles = set(pool.map(join, range(8)))

        assert len(handles) == 8
        assert "kabir" in handles


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
