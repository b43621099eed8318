"""Who guesses is stopped, wherever the tries arrive and whatever they claim to be."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.accounts.conftest import Post, text_of
from tests.factories import PASSWORD, make_user

TOO_MANY = "That was too many tries. Wait five minutes, then try again."


def limit_failures(settings: Any, rate: str) -> None:
    """Set how often one may fail to sign in to one account."""
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"login_failed": rate}


class TestSignInLimits:
    def test_stop_the_eleventh_guess_at_one_account(self, sign_in: Post) -> None:
        make_user(phone="+919845068214")
        guesses = [sign_in("9845068214", f"guess {n}") for n in range(10)]

        last = sign_in("+91 98450 68214", "guess 11")

        assert {guess.status_code for guess in guesses} == {422}
        assert last.status_code == 429
        assert TOO_MANY in text_of(last)

    def test_stop_the_right_password_too_once_they_are_reached(
        self, sign_in: Post, settings: Any
    ) -> None:
        limit_failures(settings, "2/5m/key")
        make_user(handle="meera")
        for _ in range(2):
            sign_in("@meera", "guess")

        assert sign_in("@meera", PASSWORD).status_code == 429

    def test_hash_nothing_once_they_are_reached(
        self, sign_in: Post, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit_failures(settings, "0/5m/key")
        monkeypatch.setattr("accounts.hashers.Argon2PasswordHasher.encode", pytest.fail)

        assert sign_in("@meera", "guess").status_code == 429

    def test_are_one_account_s_whichever_of_its_names_is_typed(
        self, sign_in: Post, settings: Any
    ) -> None:
        limit_failures(settings, "3/5m/key")
        make_user(handle="meera", phone="+919845068214", email="meera@example.com")
        for login in ("Meera@Example.com", "98450 68214", "@Meera"):
            assert sign_in(login, "guess").status_code == 422

        logins = ("meera@example.com", "+919845068214", "meera")
        answers = [sign_in(login, PASSWORD).status_code for login in logins]

        assert answers == [429, 429, 429]

    def test_of_one_phone_do_not_stop_another(self, sign_in: Post, settings: Any) -> None:
        limit_failures(settings, "2/5m/key")
        make_user(phone="+919845068214")
        for _ in range(3):
            sign_in("9845000000", "guess")

        assert sign_in("9845068214", PASSWORD).status_code == 302

    def test_count_unknown_accounts_like_known_ones(self, sign_in: Post, settings: Any) -> None:
        limit_failures(settings, "1/5m/key")
        sign_in("nobody@example.com", "guess")

        assert sign_in("nobody@example.com", "guess").status_code == 429

    def test_do_not_count_who_succeeds(self, sign_in: Post, settings: Any) -> None:
        limit_failures(settings, "1/5m/key")
        make_user(handle="meera")

        answers = {sign_in("@meera", PASSWORD).status_code for _ in range(3)}

        assert answers == {302}

    def test_of_one_address_hold_whatever_it_claims_to_be(self, settings: Any) -> None:
        settings.SIGN_INS_PER_MINUTE = 3

        answers = [
            Client()
            .post("/accounts/login/", {}, headers={"X-Forwarded-For": f"203.0.113.{n}"})
            .status_code
            for n in range(4)
        ]

        assert answers == [422, 422, 422, 429]

    def test_of_one_address_leave_others_alone(self, settings: Any) -> None:
        settings.SIGN_INS_PER_MINUTE = 1
        Client().post("/accounts/login/", {})

        answer = Client().post("/accounts/login/", {}, REMOTE_ADDR="198.51.100.7")

        assert answer.status_code == 422

    def test_of_one_ipv6_network_hold_for_all_its_addresses(self, settings: Any) -> None:
        settings.SIGN_INS_PER_MINUTE = 1
        answers = [
            Client().post("/accounts/login/", {}, REMOTE_ADDR=address).status_code
            for address in ("2001:db8::1", "2001:db8::2:1", "2001:db8:1::1")
        ]

        assert answers == [422, 429, 422]

    def test_count_the_address_that_our_own_proxy_saw(self, settings: Any) -> None:
        settings.SIGN_INS_PER_MINUTE = 1
        settings.TRUSTED_PROXY_COUNT = 1
        Client().post("/accounts/login/", {}, headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.1"})

        answers = [
            Client().post("/accounts/login/", {}, headers={"X-Forwarded-For": came}).status_code
            for came in ("7.7.7.7, 203.0.113.1", "7.7.7.7, 203.0.113.2")
        ]

        assert answers == [429, 422]


class TestSignUpLimits:
    def test_stop_a_machine_with_our_own_page(self, settings: Any) -> None:
        settings.SIGN_UPS_PER_MINUTE = 2

        answers = [Client().post("/accounts/signup/", {}) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [422, 422, 429]
        assert "too many tries" in answers[-1].content.decode()

    def test_let_everybody_look(self, client: Client, settings: Any) -> None:
        settings.SIGN_UPS_PER_MINUTE = 0

        assert client.get("/accounts/signup/").status_code == 200


class TestWhereTheyAreKept:
    def test_is_the_database_which_every_worker_shares(self) -> None:
        backend = settings.CACHES["default"]["BACKEND"]

        assert backend == "django.core.cache.backends.db.DatabaseCache"

    def test_leaves_room_for_many_people_behind_one_address(self) -> None:
        assert settings.SIGN_INS_PER_MINUTE >= 60

    def test_leaves_little_to_who_asks_sign_up_for_accounts(self, client: Client) -> None:
        answers = [client.post("/accounts/signup/", {}).status_code for _ in range(21)]

        assert answers == [422] * 20 + [429]

    @pytest.mark.django_db(transaction=True)
    def test_lets_sixteen_people_behind_one_address_in_at_once(self) -> None:
        people = [make_user().handle for _ in range(16)]

        def sign_in(handle: str) -> int:
            try:
                typed = {"login": handle, "password": PASSWORD}
                return Client().post("/accounts/login/", typed).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as pool:
            answers = set(pool.map(sign_in, people * 3))

        assert answers == {302}
