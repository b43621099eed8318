"""The page of an on-ramp: it waits, and says how it ended."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from onramp import services
from tests.factories import make_wallet
from tests.onramp.pages import HTMX, page_of, signed_in, text, titles
from tests.onramp.support import message, post, start

pytestmark = pytest.mark.django_db


class TestThePageOfAnOnRamp:
    def test_asks_again_by_itself_while_it_is_processing(self) -> None:
        onramp = start()

        page = signed_in(onramp.wallet).get(page_of(onramp)).content.decode()

        assert f'hx-get="{page_of(onramp, "status/")}"' in page
        assert "every 2s" in page
        assert "Check again" in page
        assert "Waiting for Banyan Bank" in page

    def test_stops_asking_and_takes_the_focus_when_it_succeeded(self) -> None:
        onramp = start(amount_minor=50_000)
        post(message(onramp, bank_reference="BNY-77"))
        onramp.refresh_from_db()

        for address, headers in [(page_of(onramp), {}), (page_of(onramp, "status/"), HTMX)]:
            response = signed_in(onramp.wallet).get(address, headers=headers)
            body = response.content.decode()
            assert "hx-get" not in body
            assert "hx-trigger" not in body
            assert "data-focus" in body
            for words in ("₹500.00 added", "BNY-77", "You now have ₹500.00 available"):
                assert words in text(cast(HttpResponse, response))
            assert onramp.transfer
            assert f"/transactions/{onramp.transfer.public_id}/" in body

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            ("declined by customer", "Reason given: declined by customer"),
            ("<script>alert(1)</script>", "&lt;script&gt;"),
            (None, "no reason given"),
            ("not approved in time", "Banyan Bank did not confirm this in time"),
        ],
    )
    def test_says_why_it_failed(self, reason: str | None, words: str) -> None:
        onramp = start()
        post(message(onramp, "failure", reason=reason))

        body = signed_in(onramp.wallet).get(page_of(onramp)).content.decode()

        assert words in body
        assert "No money was taken" in body
        assert "hx-get" not in body

    def test_promises_no_more_than_we_know_when_the_bank_kept_silent(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))
        services.expire_onramp(onramp_id=onramp.pk, now=timezone.now())

        page = text(cast(HttpResponse, signed_in(onramp.wallet).get(page_of(onramp))))

        assert "did not confirm this in time" in page
        assert "No money was taken" not in page

    def test_gives_htmx_the_live_part_alone(self) -> None:
        onramp = start()

        part = signed_in(onramp.wallet).get(page_of(onramp, "status/"), headers=HTMX).content

        assert b"<html" not in part
        assert part.count(b'id="onramp"') == 1

    @pytest.mark.parametrize(
        ("kind", "title"),
        [("success", "₹500.00 added"), ("failure", "Banyan Bank declined this")],
    )
    def test_changes_its_title_once_it_is_settled(self, kind: str, title: str) -> None:
        onramp = start(amount_minor=50_000)
        client = signed_in(onramp.wallet)
        assert titles(client.get(page_of(onramp, "status/"), headers=HTMX)) == []

        post(message(onramp, kind))

        # htmx takes a title that stands before the element it swaps; a page may have only one.
        for address, headers in [(page_of(onramp), {}), (page_of(onramp, "status/"), HTMX)]:
            assert titles(client.get(address, headers=headers)) == [f"{title} · NexaPay"]

    @pytest.mark.parametrize("suffix", ["", "status/"])
    def test_is_404_for_anybody_else(self, suffix: str) -> None:
        onramp = start()

        assert signed_in(make_wallet()).get(page_of(onramp, suffix)).status_code == 404
        assert Client().get(page_of(onramp, suffix)).status_code == 302

    def test_cannot_be_continued_by_anybody_else(self) -> None:
        onramp = start()

        assert signed_in(make_wallet()).post(page_of(onramp, "continue/")).status_code == 404

    def test_is_not_continued_by_a_link(self) -> None:
        onramp = start()

        assert signed_in(onramp.wallet).get(page_of(onramp, "continue/")).status_code == 405

    def test_of_no_onramp_is_404(self) -> None:
        assert signed_in(make_wallet()).get(f"/add-money/{uuid4()}/").status_code == 404
