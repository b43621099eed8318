"""A newcomer's first day, on a phone, with JavaScript and without."""

import re

from playwright.sync_api import expect

from accounts.models import User
from tests.browser.visitor import Visitor, deliver
from tests.factories import available, make_wallet
from wallet.models import Wallet

PASSWORD = "quiet-river-boat"


class TestFirstDay:
    def test_leads_from_sign_up_to_a_payment_and_back_in(self, either: Visitor) -> None:
        friend = make_wallet(name="Kabir Mehta", handle="kabir")
        self.joins(either)
        self.adds_money(either)
        self.pays(either, friend)
        self.finds_both(either)
        self.leaves_and_returns(either)

    def joins(self, nila: Visitor) -> None:
        nila.sign_up(name="Nila Sen", phone="98450 68214", password=PASSWORD)
        nila.sees_heading(re.compile("Nila"))
        nila.sees("Add money from your bank to get going. It takes about a minute.")
        nila.sees("1 of 3 done")

    def adds_money(self, nila: Visitor) -> None:
        nila.ask_bank(amount="500", bank="Harbour Bank")
        nila.sees("₹500.00")
        nila.press("Approve ₹500.00")
        nila.sees_heading("Waiting for Harbour Bank")
        assert deliver() == 1
        if not nila.has_scripts:
            nila.follow("Check again")
        nila.sees_heading("₹500.00 added")
        nila.sees("You now have ₹500.00 available.")
        nila.follow("Done")
        nila.sees("2 of 3 done")

    def pays(self, nila: Visitor, friend: Wallet) -> None:
        nila.follow("Send", within=".tabbar")
        nila.look_for("Kabir Mehta", typed="kabi")
        nila.offer(amount="120.5", note="Lunch 🍜")
        nila.sees_heading("Check and send")
        nila.sees("First time paying Kabir")
        nila.sees("₹379.50")
        assert available(friend) == 0
        nila.press("Send ₹120.50")
        nila.sees_heading("Sent to Kabir Mehta")
        nila.sees("Lunch 🍜")
        assert available(friend) == 120_50
        nila.follow("Done")

    def finds_both(self, nila: Visitor) -> None:
        nila.follow("Activity", within=".tabbar")
        rows = nila.page.locator("#results .tx")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_contain_text("Kabir Mehta")
        expect(rows.nth(0)).to_contain_text("\N{MINUS SIGN}₹120.50")
        expect(rows.nth(1)).to_contain_text("Harbour Bank")
        expect(rows.nth(1)).to_contain_text("+₹500.00")

    def leaves_and_returns(self, nila: Visitor) -> None:
        nila.sign_out()
        nila.go("/dashboard/")
        nila.sees_heading("Sign in")
        nila.sign_in(login="9845068214", password=PASSWORD)
        nila.sees("₹379.50")
        assert User.objects.filter(phone="+919845068214").count() == 1
