"""Sending, page by page: whom, how much, check, confirm."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import time_machine
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode
from pytest_django import DjangoAssertNumQueries

from nexapay.kernel import throttle
from tests.factories import available, fund, make_wallet, send
from tests.wallet.pages import HOSTILE, ananya, asked, kabir, owner, review_url, sign_in
from wallet import services
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db
URL = "/send/"


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


def _post(client: Client, fields: dict[str, Any]) -> Any:
    """Post the fields as a browser does; bytes go out as they are."""
    form = "application/x-www-form-urlencoded"
    return client.post(URL, urlencode(fields), content_type=form)


def _review(client: Client, **fields: object) -> tuple[str, str]:
    """Fill the form in; return the address of the review page and the token in it."""
    given = asked(**fields)
    assert client.post(URL, given).status_code == 303
    return review_url(given), _token(client.get(review_url(given)))


def _token(response: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', _text(response))
    assert found, "no token in the page"
    return found[1]


def _query(page: Any) -> dict[str, str]:
    """Return what the link that changes the person carries along."""
    return dict([page.context["change"].split("?")[1].split("=")])


class TestWhom:
    def test_shows_recent_people_and_never_everybody(self) -> None:
        ana, ben = ananya(), kabir()
        make_wallet(name="Stranger Danger")
        send(ana, ben, 12_500)

        page = _text(sign_in(ana).get(URL))

        assert "Kabir Mehta" in page
        assert "@kabir · ₹125.00" in page
        assert "Stranger" not in page

    def test_finds_people_for_htmx_with_their_number_for_the_status_line(self) -> None:
        kabir()
        client = sign_in(ananya())

        page = _text(client.get("/send/people/?q=kab", headers={"HX-Request": "true"}))

        assert 'href="/send/?to=@kabir"' in page
        assert "1 person found" in page
        assert "<html" not in page

    @pytest.mark.parametrize("url", ["/send/?q=kab", "/send/people/?q=kab"])
    def test_finds_people_without_javascript(self, url: str) -> None:
        kabir()

        page = _text(sign_in(ananya()).get(url))

        assert 'href="/send/?to=@kabir"' in page
        assert "<html" in page

    def test_looks_for_nobody_by_one_letter(self) -> None:
        kabir()

        assert "Kabir" not in _text(sign_in(ananya()).get("/send/?q=k"))

    def test_never_finds_oneself(self) -> None:
        assert "Nobody found" in _text(sign_in(ananya()).get("/send/?q=ananya"))

    @pytest.mark.parametrize("path", ["/send/", "/send/people/"])
    def test_answers_hostile_searches_with_a_page(self, path: str) -> None:
        client = sign_in(ananya())

        for name, typed in HOSTILE.items():
            response = client.get(path, {"q": typed})
            assert response.status_code in {200, 422}, name
            assert "Who are you paying?" in _text(response), name

    def test_says_what_is_wrong_with_a_search(self) -> None:
        response = sign_in(ananya()).get(URL, {"q": "a\x00b"})

        assert response.status_code == 422
        assert "<title>Error: " in _text(response)
        assert "hidden characters" in _text(response)

    @pytest.mark.parametrize("url", ["/send/?q=kab", "/send/people/?q=kab"])
    def test_refuses_who_searches_too_often(self, url: str) -> None:
        client = sign_in(ananya())
        user_id = client.session["_auth_user_id"]
        for _ in range(60):
            throttle.allow(scope="people", key=user_id, limit=60, window_s=60)

        assert client.get(url).status_code == 429
        assert client.get("/send/").status_code == 200


class TestAmountPage:
    @pytest.mark.parametrize(
        "to", ["@kabir", "kabir", "9845064407", "+91 98450 64407", "098450-64407", "k@example.com"]
    )
    def test_opens_for_a_person_named_in_full(self, to: str) -> None:
        make_wallet(
            name="Kabir Mehta", handle="kabir", phone="+919845064407", email="k@example.com"
        )

        response = sign_in(ananya()).get(URL, {"to": to})

        assert response.status_code == 200
        assert "Kabir Mehta</bdi></h1>" in _text(response)
        assert "You have ₹1,000.00 available" in _text(response)

    def test_shows_the_phones_ending_only_to_who_knows_it(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        assert "4407" not in _text(client.get(URL, {"to": "@kabir"}))

        assert "4407</span>" in _text(client.get(URL, {"to": "98450 64407"}))
        send(ana, ben, 100)
        assert "4407</span>" in _text(client.get(URL, {"to": "@kabir"}))

    @pytest.mark.parametrize(
        ("to", "sentence"),
        [
            ("@nobody", "We cannot find anyone by that."),
            ("@ananya", "You cannot send money to yourself."),
            ("  ", "Enter a phone number, an email address or a @handle."),
        ],
    )
    def test_asks_again_for_who_cannot_be_paid(self, to: str, sentence: str) -> None:
        response = sign_in(ananya()).get(URL, {"to": to})

        assert response.status_code == 422
        assert sentence in _text(response)
        assert "Who are you paying?" in _text(response)

    def test_answers_hostile_names_with_a_sentence(self) -> None:
        client = sign_in(ananya())

        for name, typed in HOSTILE.items():
            response = client.get(URL, {"to": typed})
            assert response.status_code == 422, name
            assert "<title>Error: " in _text(response), name

    def test_carries_a_new_key_each_time(self) -> None:
        kabir()
        client = sign_in(ananya())

        keys = {client.get(URL, {"to": "@kabir"}).context["key"] for _ in range(2)}

        assert len(keys) == 2

    def test_refuses_who_tries_out_numbers(self) -> None:
        client = sign_in(ananya())
        user_id = client.session["_auth_user_id"]
        for _ in range(300):
            throttle.allow(scope="strangers", key=user_id, limit=300, window_s=3600)

        assert client.get(URL, {"to": "9845000000"}).status_code == 429
        assert client.post(URL, asked(to="9845000000")).status_code == 429


class TestAmountForm:
    @pytest.mark.parametrize("to", ["@kabir", "kabir", "KABIR", "+91 98450 64407", "9845064407"])
    def test_goes_on_to_the_review_page(self, to: str) -> None:
        kabir()
        fields = asked(to=to)

        response = sign_in(ananya()).post(URL, fields)

        assert response.status_code == 303
        assert response["Location"] == review_url(fields)

    def test_leads_htmx_there_by_a_header(self) -> None:
        kabir()
        fields = asked()

        response = sign_in(ananya()).post(URL, fields, headers={"HX-Request": "true"})

        assert response["HX-Redirect"] == review_url(fields)

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("to", "@nobody", "We cannot find anyone by that."),
            ("to", "@ananya", "You cannot send money to yourself."),
            ("to", "", "Enter a phone number, an email address or a @handle."),
            ("to", None, "Enter a phone number, an email address or a @handle."),
            ("amount", "0", "Enter ₹0.01 or more."),
            ("amount", "0.00", "Enter ₹0.01 or more."),
            ("amount", "", "Enter an amount"),
            ("amount", None, "Enter an amount"),
            ("amount", "0.001", "Use at most 2 decimals"),
            ("amount", "-5", "Enter an amount"),
            ("amount", "1e9", "Enter an amount"),
            ("amount", "NaN", "Enter an amount"),
            ("amount", "1" + "0" * 30, "or less."),
            ("amount", "1000000.01", "Enter ₹10,00,000.00 or less."),
            ("note", "x" * 281, "Use 280 characters or fewer."),
            ("note", "two\nlines", "Write it on one line."),
            ("note", "abc\u202egpj.exe", "hidden characters"),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(
        self, field: str, typed: object, sentence: str
    ) -> None:
        kabir()
        response = sign_in(ananya()).post(URL, asked(**{field: typed}))

        page = _text(response)
        assert response.status_code == 422
        assert "<title>Error: " in page
        beside = page[page.index(f'id="id_{field}-e"') :]
        assert sentence in beside[: beside.index("</div>")]

    def test_says_how_much_too_much_and_links_to_adding_money(self) -> None:
        kabir()

        page = _text(sign_in(ananya()).post(URL, asked(amount="1,250")))

        assert "That is ₹250.00 more than you have. Enter ₹1,000.00 or less, or <a" in page
        assert 'href="/add-money/">add money</a>.' in page

    def test_loses_nothing_of_what_was_typed(self) -> None:
        kabir()
        fields = asked(amount="60,000", note='Tea & "cake"')

        page = _text(sign_in(ananya()).post(URL, fields))

        assert 'value="60,000"' in page
        assert 'value="Tea &amp; &quot;cake&quot;"' in page
        assert f'name="idempotency_key" value="{fields["idempotency_key"]}"' in page
        assert 'name="to" value="@kabir"' in page

    def test_keeps_amount_and_note_when_the_person_is_wrong(self) -> None:
        page = _text(sign_in(ananya()).post(URL, asked(to="@nobody", amount="77", note="Rent")))

        assert 'value="77"' in page
        assert 'value="Rent"' in page
        assert 'value="@nobody"' in page

    @pytest.mark.parametrize("key", [None, "", "1", "zz" * 16, "1" * 5_000, b"\xff"])
    def test_gives_a_page_without_a_good_key_a_new_one(self, key: object) -> None:
        kabir()

        response = sign_in(ananya()).post(URL, asked(idempotency_key=key))

        assert response.status_code == 422
        assert "This page is out of date. Nothing was sent." in _text(response)
        assert re.search(r'name="idempotency_key" value="[0-9a-f-]{36}"', _text(response))

    def test_says_so_when_ones_own_wallet_is_frozen(self) -> None:
        ana = ananya()
        kabir()
        services.set_status(wallet_id=ana.pk, status=Wallet.Status.DEBIT_FROZEN)

        response = sign_in(ana).post(URL, asked())

        assert response.status_code == 422
        assert "Your wallet is frozen, so nothing was sent." in _text(response)

    @pytest.mark.parametrize("status", [Wallet.Status.FROZEN, Wallet.Status.CLOSED])
    def test_says_so_beside_the_person_when_theirs_is(self, status: Wallet.Status) -> None:
        ben = kabir()
        services.set_status(wallet_id=ben.pk, status=status)

        response = sign_in(ananya()).post(URL, asked())

        page = _text(response)
        assert response.status_code == 422
        assert "This person cannot be paid right now." in page[page.index("id_to-e") :]

    @pytest.mark.parametrize("field", ["to", "amount", "note", "idempotency_key"])
    def test_takes_hostile_text_without_harm(self, field: str) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)

        for name, typed in HOSTILE.items():
            response = _post(client, asked(**{field: typed}))
            harmless_note = field == "note" and response.status_code == 303
            assert harmless_note or response.status_code == 422, name
        assert available(ana) == 100_000

    def test_reads_the_last_of_repeated_fields(self) -> None:
        ana = ananya()
        kabir()
        fields = asked(amount=["5", "6"])
        client = sign_in(ana)

        assert client.post(URL, fields).status_code == 303

        assert "₹6.00" in _text(client.get(review_url(fields)))

    def test_answers_json_and_files_with_a_sentence(self) -> None:
        client = sign_in(ananya())

        response = client.post(URL, '{"to": ["@kabir"]}', content_type="application/json")

        assert response.status_code == 422
        assert client.put(URL).status_code == 405


class TestReviewPage:
    def test_shows_what_will_be_sent(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 10_000)
        client = sign_in(ana)
        url, _ = _review(client, amount="250", note="Goa <tickets> \U0001f3d6")

        page = _text(client.get(url))

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
        url, _ = _review(client)

        page = _text(client.get(url))

        assert "First time paying <bdi>Kabir</bdi>" in page
        assert "4407" not in page

    def test_changes_bring_back_what_was_typed(self) -> None:
        kabir()
        client = sign_in(ananya())
        url, _ = _review(client, note="Rent")
        page = client.get(url)

        amount_page = client.get(page.context["back"])
        people_page = client.get(page.context["change"], {"q": "kab"} | _query(page))

        assert 'value="250"' in _text(amount_page)
        assert 'value="Rent"' in _text(amount_page)
        assert str(amount_page.context["key"]) in url
        assert f"to=@kabir&amp;draft={amount_page.context['key']}" in _text(people_page)

    def test_asks_for_another_amount_when_the_money_is_gone_meanwhile(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, _ = _review(client, amount="900")
        send(ana, ben, 50_000)

        response = client.get(url)

        assert response.status_code == 422
        assert "That is ₹400.00 more than you have." in _text(response)

    def test_leads_back_when_the_draft_is_not_here(self) -> None:
        client = sign_in(ananya())

        response = client.get(f"/send/review/{uuid4()}/")

        assert (response.status_code, response["Location"]) == (303, "/send/")
        assert "no longer open here. Nothing was sent." in _text(client.get(URL))

    def test_keeps_the_five_newest_drafts(self) -> None:
        kabir()
        client = sign_in(ananya())

        urls = [_review(client)[0] for _ in range(6)]

        assert [client.get(url).status_code for url in urls] == [303] + [200] * 5

    def test_is_nobody_elses(self) -> None:
        kabir()
        url, _ = _review(sign_in(ananya()))

        response = sign_in(make_wallet()).get(url)

        assert (response.status_code, response["Location"]) == (303, "/send/")


class TestConfirming:
    def test_sends_exactly_what_was_seen_and_shows_the_receipt(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, token = _review(client, amount="250.50", note="Tea")

        response = client.post(url, {"token": token, "amount": "9", "to": "@other"})

        transfer = Transfer.objects.get(source=ana)
        assert response.status_code == 303
        assert response["Location"] == f"/transactions/{transfer.public_id}/?new=1"
        assert (transfer.target_id, transfer.amount_minor, transfer.note) == (ben.pk, 25_050, "Tea")
        assert (available(ana), available(ben)) == (74_950, 25_050)

    def test_moves_money_once_however_often_it_is_pressed(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = _review(client)

        answers = {client.post(url, {"token": token})["Location"] for _ in range(3)}
        reloaded = client.get(url)

        assert len(answers) == 1
        assert reloaded.status_code == 303
        assert reloaded["Location"] in answers.pop()
        assert available(ana) == 75_000

    def test_leads_back_and_send_again_to_the_same_receipt(self) -> None:
        ana = ananya(balance_minor=25_000)
        kabir()
        client, fields = sign_in(ana), asked()
        client.post(URL, fields)
        client.post(review_url(fields), {"token": _token(client.get(review_url(fields)))})

        again = client.post(URL, fields)

        transfer = Transfer.objects.get(source=ana)
        assert again["Location"] == f"/transactions/{transfer.public_id}/"
        assert available(ana) == 0

    def test_refuses_a_used_key_with_other_details(self) -> None:
        ana = ananya()
        kabir()
        client, fields = sign_in(ana), asked()
        client.post(URL, fields)
        client.post(review_url(fields), {"token": _token(client.get(review_url(fields)))})

        response = client.post(URL, {**fields, "amount": "1"})

        assert response.status_code == 422
        assert "This was already sent with other details." in _text(response)
        assert available(ana) == 75_000

    def test_works_when_the_draft_is_lost(self) -> None:
        ana = ananya()
        kabir()
        url, token = _review(sign_in(ana))

        response = sign_in(ana).post(url, {"token": token})

        assert response.status_code == 303
        assert available(ana) == 75_000

    @pytest.mark.parametrize("token", [None, "", "x", "a:b:c", b"\xff", "x" * 9_000, "\x00"])
    def test_refuses_a_token_that_is_not_ours(self, token: object) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, _ = _review(client)

        response = client.post(url, {} if token is None else {"token": token})

        assert response.status_code == 422
        assert "Nothing was sent." in _text(response)
        assert f'href="{url}"' in _text(response)
        assert available(ana) == 100_000

    def test_refuses_the_token_of_another_payment(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, _ = _review(client, amount="1")
        _, other = _review(client, amount="2")

        response = client.post(url, {"token": other})

        assert response.status_code == 422
        assert available(ana) == 100_000

    def test_refuses_the_token_of_another_person(self) -> None:
        ana, meera = ananya(), make_wallet(balance_minor=50_000)
        kabir()
        url, token = _review(sign_in(ana))

        response = sign_in(meera).post(url, {"token": token})

        assert response.status_code == 422
        assert (available(ana), available(meera)) == (100_000, 50_000)

    def test_refuses_a_page_that_was_open_for_too_long(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = _review(client)

        with time_machine.travel(timezone.now() + timedelta(minutes=31)):
            response = client.post(url, {"token": token})

        assert response.status_code == 422
        assert "This page was open for too long. Nothing was sent." in _text(response)
        assert available(ana) == 100_000

    def test_an_old_page_of_a_payment_that_was_sent_shows_its_receipt(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = _review(client)
        sent = client.post(url, {"token": token})

        assert client.post(url, {"token": "broken"})["Location"] == sent["Location"]

    def test_asks_for_another_amount_when_the_money_went_meanwhile(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, token = _review(client, amount="900", note="Rent")
        send(ana, ben, 50_000)

        response = client.post(url, {"token": token})

        page = _text(response)
        assert response.status_code == 422
        assert "That is ₹400.00 more than you have." in page[page.index("id_amount-e") :]
        assert 'value="900"' in page
        assert 'value="Rent"' in page
        assert available(ana) == 50_000

    @pytest.mark.parametrize("who", ["ana", "ben"])
    def test_says_on_the_page_that_a_wallet_was_frozen_meanwhile(self, who: str) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, token = _review(client)
        frozen = ana if who == "ana" else ben
        services.set_status(wallet_id=frozen.pk, status=Wallet.Status.FROZEN)

        response = client.post(url, {"token": token})

        assert response.status_code == 422
        assert "othing was sent" in _text(response)
        assert "Check and send" in _text(response)
        assert available(ana) == 100_000

    def test_says_that_nothing_was_sent_when_it_is_busy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = _review(client)
        monkeypatch.setattr(services, "send_money", _raises(services.Busy("busy")))

        response = client.post(url, {"token": token})
        for_htmx = client.post(url, {"token": token}, headers={"HX-Request": "true"})

        assert response.status_code == 503
        assert "Nothing was sent" in _text(response)
        assert f'action="{url}"' in _text(response)
        assert for_htmx["HX-Redirect"] == f"{url}?busy=1"
        assert "NexaPay is busy. Nothing was sent." in _text(client.get(f"{url}?busy=1"))

        monkeypatch.undo()
        assert client.post(url, {"token": _token(response)}).status_code == 303
        assert available(ana) == 75_000

    @pytest.mark.parametrize("cause", [None, psycopg.errors.AdminShutdown()])
    def test_never_says_that_nothing_was_sent_when_it_cannot_know(
        self, monkeypatch: pytest.MonkeyPatch, cause: Exception | None
    ) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = _review(client)
        lost = OperationalError("gone")
        lost.__cause__ = cause
        monkeypatch.setattr(services, "send_money", _raises(lost))

        response = client.post(url, {"token": token})

        page = _text(response)
        assert response.status_code == 503
        assert "We are checking" in page
        assert "othing was sent" not in page
        assert 'href="/transactions/"' in page
        monkeypatch.undo()
        assert client.post(url, {"token": _token(response)}).status_code == 303
        assert available(ana) == 75_000

    def test_takes_only_what_a_form_of_ours_posts(self) -> None:
        kabir()
        client = Client(enforce_csrf_checks=True)
        ana = ananya()
        client.force_login(owner(ana))

        assert client.post(URL, asked()).status_code == 403
        assert client.post(f"/send/review/{uuid4()}/").status_code == 403


class TestQueries:
    def test_of_the_form_and_the_review_are_few(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ana, ben = ananya(), kabir()
        fund(ana, 100)
        send(ana, ben, 100)
        client = sign_in(ana)
        url, _ = _review(client)

        with django_assert_max_num_queries(6):
            client.get(URL, {"to": "@kabir"})
        with django_assert_max_num_queries(9):
            client.get(url)


def _raises(error: Exception) -> Any:
    def act(**_: object) -> HttpResponse:
        raise error

    return act
