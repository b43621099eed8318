"""Sending, step two: how much."""

import re

import pytest
from pytest_django import DjangoAssertNumQueries

from nexapay.kernel import throttle
from tests.factories import available, fund, hold, make_wallet, send
from tests.wallet.pages import HOSTILE, ananya, asked, kabir, review_url, sign_in
from tests.wallet.sending import URL, post, text_of, to_review
from wallet import services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db


class TestAmountPage:
    def test_begins_at_the_amount_and_shows_nothing_of_the_inside(self) -> None:
        kabir()

        page = text_of(sign_in(ananya()).get("/send/?to=@kabir"))

        [amount] = re.findall(r"<input[^>]* autofocus[ >]?[^>]*>", page)
        assert 'name="amount"' in amount
        assert "Payee(" not in page

    @pytest.mark.parametrize(
        "to", ["@kabir", "kabir", "9845064407", "+91 98450 64407", "098450-64407", "k@example.com"]
    )
    def test_opens_for_a_person_named_in_full(self, to: str) -> None:
        make_wallet(
            name="Kabir Mehta", handle="kabir", phone="+919845064407", email="k@example.com"
        )

        response = sign_in(ananya()).get(URL, {"to": to})

        assert response.status_code == 200
        assert "Kabir Mehta</bdi></h1>" in text_of(response)
        assert "You have ₹1,000.00 available" in text_of(response)

    def test_says_how_much_is_on_hold_and_what_there_is_in_all(self) -> None:
        ana = ananya()
        hold(ana, 20_00)
        kabir()

        page = text_of(sign_in(ana).get(URL, {"to": "@kabir"}))

        assert "You have ₹980.00 available, ₹20.00 on hold, ₹1,000.00 in all" in page

    def test_shows_the_phones_ending_only_to_who_knows_it(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        assert "4407" not in text_of(client.get(URL, {"to": "@kabir"}))

        assert "4407</span>" in text_of(client.get(URL, {"to": "98450 64407"}))
        send(ana, ben, 100)
        assert "4407</span>" in text_of(client.get(URL, {"to": "@kabir"}))

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
        assert sentence in text_of(response)
        assert "Who are you paying?" in text_of(response)

    def test_answers_hostile_names_with_a_sentence(self) -> None:
        client = sign_in(ananya())

        for name, typed in HOSTILE.items():
            response = client.get(URL, {"to": typed})
            assert response.status_code == 422, name
            assert "<title>Error: " in text_of(response), name

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

        page = text_of(response)
        assert response.status_code == 422
        assert "<title>Error: " in page
        beside = page[page.index(f'id="id_{field}-e"') :]
        assert sentence in beside[: beside.index("</div>")]

    def test_says_how_much_too_much_and_links_to_adding_money(self) -> None:
        kabir()

        page = text_of(sign_in(ananya()).post(URL, asked(amount="1,250")))

        assert "That is ₹250.00 more than you have. Enter ₹1,000.00 or less, or <a" in page
        assert 'href="/add-money/">add money</a>.' in page

    def test_loses_nothing_of_what_was_typed(self) -> None:
        kabir()
        fields = asked(amount="60,000", note='Tea & "cake"')

        page = text_of(sign_in(ananya()).post(URL, fields))

        assert 'value="60,000"' in page
        assert 'value="Tea &amp; &quot;cake&quot;"' in page
        assert f'name="idempotency_key" value="{fields["idempotency_key"]}"' in page
        assert 'name="to" value="@kabir"' in page

    def test_keeps_amount_and_note_when_the_person_is_wrong(self) -> None:
        page = text_of(sign_in(ananya()).post(URL, asked(to="@nobody", amount="77", note="Rent")))

        assert 'value="77"' in page
        assert 'value="Rent"' in page
        assert 'value="@nobody"' in page

    @pytest.mark.parametrize("key", [None, "", "1", "zz" * 16, "1" * 5_000, b"\xff"])
    def test_gives_a_page_without_a_good_key_a_new_one(self, key: object) -> None:
        kabir()

        response = sign_in(ananya()).post(URL, asked(idempotency_key=key))

        assert response.status_code == 422
        assert "This page is out of date. Nothing was done." in text_of(response)
        assert re.search(r'name="idempotency_key" value="[0-9a-f-]{36}"', text_of(response))

    def test_says_so_when_ones_own_wallet_is_frozen(self) -> None:
        ana = ananya()
        kabir()
        services.set_status(wallet_id=ana.pk, status=Wallet.Status.DEBIT_FROZEN)

        response = sign_in(ana).post(URL, asked())

        assert response.status_code == 422
        assert "Your wallet is frozen, so nothing was sent." in text_of(response)

    @pytest.mark.parametrize("status", [Wallet.Status.FROZEN, Wallet.Status.CLOSED])
    def test_says_so_beside_the_person_when_theirs_is(self, status: Wallet.Status) -> None:
        ben = kabir()
        services.set_status(wallet_id=ben.pk, status=status)

        response = sign_in(ananya()).post(URL, asked())

        page = text_of(response)
        assert response.status_code == 422
        assert "This person cannot be paid right now." in page[page.index("id_to-e") :]

    @pytest.mark.parametrize("field", ["to", "amount", "note", "idempotency_key"])
    def test_takes_hostile_text_without_harm(self, field: str) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)

        for name, typed in HOSTILE.items():
            response = post(client, asked(**{field: typed}))
            harmless_note = field == "note" and response.status_code == 303
            assert harmless_note or response.status_code == 422, name
        assert available(ana) == 100_000

    def test_reads_the_last_of_repeated_fields(self) -> None:
        ana = ananya()
        kabir()
        fields = asked(amount=["5", "6"])
        client = sign_in(ana)

        assert client.post(URL, fields).status_code == 303

        assert "₹6.00" in text_of(client.get(review_url(fields)))

    def test_answers_json_and_files_with_a_sentence(self) -> None:
        client = sign_in(ananya())

        response = client.post(URL, '{"to": ["@kabir"]}', content_type="application/json")

        assert response.status_code == 422
        assert client.put(URL).status_code == 405


class TestQueries:
    def test_of_the_form_and_the_review_are_few(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ana, ben = ananya(), kabir()
        fund(ana, 100)
        send(ana, ben, 100)
        client = sign_in(ana)
        url, _ = to_review(client)

        with django_assert_max_num_queries(6):
            client.get(URL, {"to": "@kabir"})
        with django_assert_max_num_queries(6):
            client.get(url)
