"""Sending, step one: whom."""

import pytest

from nexapay.kernel import throttle
from tests.factories import make_wallet, send
from tests.wallet.pages import HOSTILE, ananya, kabir, sign_in
from tests.wallet.sending import URL, text_of

pytestmark = pytest.mark.django_db


class TestWhom:
    def test_shows_recent_people_and_never_everybody(self) -> None:
        ana, ben = ananya(), kabir()
        make_wallet(name="Stranger Danger")
        send(ana, ben, 12_500)

        page = text_of(sign_in(ana).get(URL))

        assert "Kabir Mehta" in page
        assert "@kabir · ₹125.00" in page
        assert "Stranger" not in page

    def test_finds_people_for_htmx_with_their_number_for_the_status_line(self) -> None:
        kabir()
        client = sign_in(ananya())

        page = text_of(client.get("/send/people/?q=kab", headers={"HX-Request": "true"}))

        assert 'href="/send/?to=@kabir"' in page
        assert "1 person found" in page
        assert "<html" not in page

    @pytest.mark.parametrize("url", ["/send/?q=kab", "/send/people/?q=kab"])
    def test_finds_people_without_javascript(self, url: str) -> None:
        kabir()

        page = text_of(sign_in(ananya()).get(url))

        assert 'href="/send/?to=@kabir"' in page
        assert "<html" in page

    def test_looks_for_nobody_by_one_letter(self) -> None:
        kabir()

        assert "Kabir" not in text_of(sign_in(ananya()).get("/send/?q=k"))

    def test_never_finds_oneself(self) -> None:
        assert "Nobody found" in text_of(sign_in(ananya()).get("/send/?q=ananya"))

    @pytest.mark.parametrize("path", ["/send/", "/send/people/"])
    def test_answers_hostile_searches_with_a_page(self, path: str) -> None:
        client = sign_in(ananya())

        for name, typed in HOSTILE.items():
            response = client.get(path, {"q": typed})
            assert response.status_code in {200, 422}, name
            assert "Who are you paying?" in text_of(response), name

    def test_says_what_is_wrong_with_a_search(self) -> None:
        response = sign_in(ananya()).get(URL, {"q": "a\x00b"})

        assert response.status_code == 422
        assert "<title>Error: " in text_of(response)
        assert "hidden characters" in text_of(response)

    @pytest.mark.parametrize("url", ["/send/?q=kab", "/send/people/?q=kab"])
    def test_refuses_who_searches_too_often(self, url: str) -> None:
        client = sign_in(ananya())
        user_id = client.session["_auth_user_id"]
        for _ in range(60):
            throttle.allow(scope="people", key=user_id, limit=60, window_s=60)

        assert client.get(url).status_code == 429
        assert client.get("/send/").status_code == 200
