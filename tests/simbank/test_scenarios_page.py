"""Choosing how the bank misbehaves: by its page, by the command, and for one payment alone."""

from html import unescape
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from onramp.simbank import scenarios
from onramp.simbank.models import Delivery, Payment
from onramp.simbank.scenarios import SCENARIOS
from tests.factories import make_user
from tests.simbank.support import TOKEN, make_payment

pytestmark = pytest.mark.django_db
PAGE = "/bank/scenarios/"


def staff() -> Client:
    client = Client()
    client.force_login(make_user("Staff", is_staff=True))
    return client


class TestThePage:
    def test_is_for_everybody_to_read(self) -> None:
        page = unescape(Client().get(PAGE).content.decode())

        for scenario in SCENARIOS.values():
            assert scenario.title in page
        for words in ("Simulated bank", "0000", "9999", "Staff choose here"):
            assert words in page
        assert 'type="submit"' not in page

    def test_shows_which_one_is_active(self) -> None:
        staff().post(PAGE, {"scenario": "lose"})

        assert 'value="lose" checked' in Client().get(PAGE).content.decode()

    def test_lets_staff_choose(self) -> None:
        client = staff()

        answer = client.post(PAGE, {"scenario": "errors"})

        assert (answer.status_code, answer["Location"]) == (303, PAGE)
        assert scenarios.active() == "errors"
        client.post(PAGE, {"scenario": "calm"})
        assert scenarios.active() == "calm"

    def test_lets_nobody_else_choose(self) -> None:
        client = Client()
        assert client.post(PAGE, {"scenario": "lose"}).status_code == 403
        client.force_login(make_user())
        assert client.post(PAGE, {"scenario": "lose"}).status_code == 403

        assert scenarios.active() == "calm"

    @pytest.mark.parametrize("name", ["", "chaos", "lose\0", "<b>"])
    def test_asks_again_for_what_it_does_not_have(self, name: str) -> None:
        answer = staff().post(PAGE, {"scenario": name})

        assert answer.status_code == 422
        assert "Choose one of the ways below" in answer.content.decode()
        assert scenarios.active() == "calm"

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_404_when_another_bank_is_used(self, settings: Any, method: str) -> None:
        settings.BANK = "razorpay"

        assert getattr(staff(), method)(PAGE).status_code == 404


class TestOnePayment:
    def test_may_have_a_scenario_of_its_own(self) -> None:
        make_payment()

        Client().post(f"/bank/pay/{TOKEN}/", {"decision": "approve", "scenario": "duplicate"})

        assert (Payment.objects.get().scenario, Delivery.objects.count()) == ("duplicate", 100)

    def test_is_offered_every_one(self) -> None:
        make_payment()

        page = Client().get(f"/bank/pay/{TOKEN}/").content.decode()

        assert "Misbehave" in page
        assert all(f'value="{name}"' in page for name in SCENARIOS)

    def test_is_not_decided_by_one_that_nobody_offered(self) -> None:
        make_payment()

        answer = Client().post(f"/bank/pay/{TOKEN}/", {"decision": "approve", "scenario": "chaos"})

        assert (answer.status_code, Payment.objects.get().status) == (422, "awaiting")


class TestTheCommand:
    def manage(self, *arguments: str) -> list[str]:
        out = StringIO()
        call_command("simbank", "scenario", *arguments, stdout=out)
        return out.getvalue().splitlines()

    def test_lists_them_with_the_active_one(self) -> None:
        lines = self.manage()

        assert [line[2:].split()[0] for line in lines] == ["calm", *SCENARIOS]
        assert [line.startswith("*") for line in lines] == [True] + [False] * len(SCENARIOS)

    def test_chooses_one(self) -> None:
        marked = [line for line in self.manage("half_open") if line.startswith("*")]

        assert marked == ["* half_open             Leave connections half open"]
        assert scenarios.active() == "half_open"

    def test_refuses_what_there_is_not(self) -> None:
        with pytest.raises(CommandError, match="chaos"):
            self.manage("chaos")
