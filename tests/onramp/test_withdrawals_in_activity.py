"""A withdrawal in the history, and the way from it to the receipts of its money and back."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from onramp import services
from onramp.models import OffRampTransaction
from tests.factories import make_wallet
from tests.onramp.offramps import account, afresh, submitted, withdraw, word
from tests.onramp.pages import signed_in
from tests.onramp.support import message, post, start
from tests.wallet.forge import sql
from tests.wallet.histories import URL, notes_of
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Wallet:
    return make_wallet(balance_minor=100_000, name="Ananya Rao")


@pytest.fixture
def browser(ana: Wallet) -> Client:
    return signed_in(ana)


def cancelled(wallet: Wallet, **terms: Any) -> OffRampTransaction:
    offramp = withdraw(wallet, **terms)
    return services.cancel_withdrawal(
        actor_id=wallet.owner_id or 0, offramp_id=offramp.pk, now=timezone.now()
    )


def failed(wallet: Wallet, **terms: Any) -> OffRampTransaction:
    offramp = submitted(wallet, **terms)
    post(word(offramp, "failure"))
    return afresh(offramp)


class TestTheHistory:
    @pytest.mark.parametrize(
        ("query", "notes"),
        [
            ("?status=processing", ["Withdrawing", "Withdrawing", "Adding"]),
            ("?status=processing&direction=in", ["Adding"]),
            ("?status=processing&direction=out", ["Withdrawing", "Withdrawing"]),
            ("?status=processing&kind=payout", ["Withdrawing", "Withdrawing"]),
            ("?status=processing&kind=send", []),
            ("?status=processing&q=banyan", ["Withdrawing", "Withdrawing", "Adding"]),
            ("?status=processing&q=lotus", []),
            ("?status=failed", ["Not withdrawn", "Not added"]),
            ("?kind=payout", ["Withdrawing", "Withdrawing", "Not withdrawn"]),
            ("?direction=in", ["Adding", "Not added", "Added"]),
        ],
    )
    def test_shows_what_is_on_its_way_both_ways(
        self, ana: Wallet, browser: Client, query: str, notes: list[str]
    ) -> None:
        to = account(ana)
        post(message(start(ana, 7_000), "failure"))
        post(word(submitted(ana, to=to), "failure"))
        cancelled(ana, to=to)
        start(ana, 5_000)
        submitted(ana, to=to)
        withdraw(ana, 2_000, to=to)

        assert notes_of(browser.get(URL + query)) == notes

    def test_shows_each_once_where_nothing_is_filtered(self, ana: Wallet, browser: Client) -> None:
        withdraw(ana)

        for query in ("", "?q=banyan"):
            assert notes_of(browser.get(URL + query)) == ["On hold", "Added"]

    def test_leads_to_the_withdrawal_and_says_what_is_to_leave(
        self, ana: Wallet, browser: Client
    ) -> None:
        offramp = withdraw(ana)

        [day] = browser.get(f"{URL}?status=processing").context["days"]

        [row] = day.rows
        assert (row.url, row.amount_minor) == (f"/withdraw/{offramp.public_id}/", -30_000)

    def test_finds_it_by_its_reference(self, ana: Wallet, browser: Client) -> None:
        to = account(ana)
        offramp, _ = withdraw(ana, to=to), withdraw(ana, 5_000, to=to)

        found = browser.get(URL, {"status": "processing", "q": offramp.reference})

        assert notes_of(found) == ["Withdrawing"]

    def test_of_another_person_is_not_there(self, ana: Wallet) -> None:
        withdraw(ana)

        assert notes_of(signed_in(make_wallet()).get(f"{URL}?status=processing")) == []

    def test_goes_on_where_a_page_of_one_instant_ended(self, ana: Wallet, browser: Client) -> None:
        now = timezone.now()
        to = account(ana)
        for _ in range(12):
            onramp = start(ana, 1_000, now=now)
            # Of one number, as it may be: the two tables count by themselves.
            sql("SELECT setval('onramp_offramptransaction_id_seq', %s, false)", onramp.pk)
            withdraw(ana, 1_000, to=to, now=now)
        start(ana, 1_000, now=now)

        first = browser.get(f"{URL}?status=processing")
        second = browser.get(URL + first.context["next_url"])

        shown = [row.uid for page in (first, second) for day in days(page) for row in day.rows]
        assert len(shown) == len(set(shown)) == 25


def days(page: Any) -> Any:
    return page.context["days"]


class TestAReceipt:
    @pytest.mark.parametrize("end", [cancelled, failed])
    def test_of_released_money_and_its_withdrawal_lead_to_one_another(
        self, ana: Wallet, browser: Client, end: Any
    ) -> None:
        to = account(ana)
        other = cancelled(ana, to=to)
        offramp = end(ana, to=to)

        releases = Transfer.objects.filter(kind="release").order_by("pk")
        for each, released in zip((other, offramp), releases, strict=True):
            receipt = browser.get(f"/transactions/{released.public_id}/").content.decode()
            page = browser.get(f"/withdraw/{each.public_id}/").content.decode()

            assert f'href="/withdraw/{each.public_id}/">See how it stands' in receipt
            for transfer in (each.hold.transfer, released):
                assert f'href="/transactions/{transfer.public_id}/"' in page

    def test_of_each_movement_is_led_to_in_order(self, ana: Wallet, browser: Client) -> None:
        offramp = submitted(ana)
        post(word(offramp, "returned"))
        offramp = afresh(offramp)

        receipts = browser.get(f"/withdraw/{offramp.public_id}/").context["receipts"]

        moved = (offramp.hold.transfer, offramp.transfer, offramp.return_transfer)
        assert [public_id for _, public_id in receipts] == [m.public_id for m in moved if m]
        assert [what for what, _ in receipts] == ["Put on hold", "Paid out", "Sent back"]
