"""Joining: what is asked, and what exists afterwards."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from accounts import services
from accounts.models import User
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

    @pytest.mark.usefixtures("real_passwords")
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
