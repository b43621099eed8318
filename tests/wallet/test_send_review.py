"""Sending, step three: what is shown before anything moves."""

from uuid import uuid4

import pytest

from tests.factories import make_wallet, send
from tests.wallet.pages import ananya, kabir, sign_in
from tests.wallet.sending import URL, carried, text_of, to_review

pytestmark = pytest.mark.django_db


class TestReviewPage:
    def test_shows_what_will_be_sent(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 10_000)
        client = sign_in(ana)
        url, _ = to_review(client, amount="250", note="Goa <tickets> \U0001f3d6")

        page = text_of(client.get(url))

        assert "₹250.00" in page
        assert "Kabir Mehta" in page
        assert "@kabir · phone ends 4407" in page
        assert "Paid 1 time<" in page
        assert "Goa &lt;tickets&gt; \U0001f3d6" in page
        assert "₹650.00" in page  # What is left.
        assert "First time" not in page

    def test_warns_of_the_first_time(self) -> None:
        kabir()
        client = sign_in(ananya())
        url, _ = to_review(client)

        page = text_of(client.get(url))

        assert "First time paying <bdi>Kabir</bdi>" in page
        assert "4407" not in page

    def test_changes_bring_back_what_was_typed(self) -> None:
        kabir()
        client = sign_in(ananya())
        url, _ = to_review(client, note="Rent")
        page = client.get(url)

        amount_page = client.get(page.context["back"])
        people_page = client.get(page.context["change"], {"q": "kab"} | carried(page))

        assert 'value="250"' in text_of(amount_page)
        assert 'value="Rent"' in text_of(amount_page)
        assert str(amount_page.context["key"]) in url
        assert f"to=@kabir&amp;draft={amount_page.context['key']}" in text_of(people_page)

    @pytest.mark.parametrize("at", ["change", "back"])
    def test_changes_bring_nothing_back_of_what_was_sent(self, at: str) -> None:
        """Guard: the key of the draft has sent money; with it nothing else can be sent."""
        kabir()
        client = sign_in(ananya())
        url, token = to_review(client, note="Rent")
        page = client.get(url)
        client.post(url, {"token": token})

        shown = client.get(page.context[at], {"to": "@kabir"} | carried(page))

        assert "Rent" not in text_of(shown)
        assert str(shown.context["key"]) not in url

    def test_asks_for_another_amount_when_the_money_is_gone_meanwhile(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, _ = to_review(client, amount="900")
        send(ana, ben, 50_000)

        response = client.get(url)

        assert response.status_code == 422
        assert "That is ₹400.00 more than you have." in text_of(response)

    def test_leads_back_when_the_draft_is_not_here(self) -> None:
        client = sign_in(ananya())

        response = client.get(f"/send/review/{uuid4()}/")

        assert (response.status_code, response["Location"]) == (303, "/send/")
        assert "no longer open here. Nothing was sent." in text_of(client.get(URL))

    def test_keeps_the_five_newest_drafts(self) -> None:
        kabir()
        client = sign_in(ananya())

        urls = [to_review(client)[0] for _ in range(6)]

        assert [client.get(url).status_code for url in urls] == [303] + [200] * 5

    def test_is_nobody_elses(self) -> None:
        kabir()
        url, _ = to_review(sign_in(ananya()))

        response = sign_in(make_wallet()).get(url)

        assert (response.status_code, response["Location"]) == (303, "/send/")
