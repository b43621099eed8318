"""Somebody at a browser, and what the browser complains of meanwhile."""

import re
from dataclasses import dataclass, field

from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from accounts.models import User
from onramp.simbank import deliveries
from wallet.models import Wallet

PHONE = (390, 844)
DESK = (1280, 800)
# Chromium reports each 4xx answer on the console; a form that is refused is meant to answer so.
_REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
# Where the machine is slow, seconds pass before the first letter is drawn with the font that came.
_SLOW = "was preloaded using link preload but not used within a few seconds"
# A request of a page that was left, or a search that the next letter made needless.
_LEFT = "net::ERR_ABORTED"


@dataclass
class Watch:
    """Keeps what goes wrong in a browser: script errors, CSP violations, requests that fail."""

    site: str
    forgiven: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note(f"error: {error.error}"))
        context.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        is_static = "/static/" in message.location["url"]
        is_meant = _SLOW in message.text or (not is_static and _REFUSAL.match(message.text))
        if not is_meant:
            self._note(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != _LEFT:
            self._note(f"{request.failure}: {request.url}")

    def forgives(self, *parts: str) -> None:
        """Let pass what contains one of these: the test is about it."""
        self.forgiven += parts

    def _note(self, complaint: str) -> None:
        if not any(part in complaint for part in self.forgiven):
            self.complaints.append(complaint.replace(self.site, ""))


class Visitor:
    """A person at a browser. What they do is said as they would say it."""

    def __init__(self, page: Page, watch: Watch, *, has_scripts: bool) -> None:
        self.page = page
        self.watch = watch
        self.has_scripts = has_scripts

    def arrive_as(self, user: User) -> None:
        """Be signed in, without the way through the door."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        value = client.cookies[name].value
        self.page.context.add_cookies([{"name": name, "value": value, "url": self.watch.site}])

    def arrive_with(self, wallet: Wallet) -> None:
        """Be signed in as who owns the wallet."""
        assert wallet.owner is not None
        self.arrive_as(wallet.owner)

    def another_window(self) -> "Visitor":
        """Return the same person at a second window of the same browser."""
        return Visitor(self.page.context.new_page(), self.watch, has_scripts=self.has_scripts)

    def go(self, address: str) -> None:
        self.page.goto(address)

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).click()

    def follow(self, name: str | re.Pattern[str], *, within: str = "body") -> None:
        link = self.page.locator(within).get_by_role("link", name=name)
        link.filter(visible=True).first.click()

    def heading(self, text: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=text)

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Expect the text somewhere in sight."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def sees_heading(self, text: str | re.Pattern[str]) -> None:
        expect(self.heading(text)).to_be_visible()

    # Longer ways

    def sign_up(self, *, name: str, phone: str, password: str) -> None:
        self.go("/")
        self.follow("Create an account")
        self.fill("Your name", name)
        self.fill("Phone", phone)
        self.page.locator("#id_password").fill(password)
        self.press("Create account")

    def sign_in(self, *, login: str, password: str) -> None:
        self.go("/")
        self.fill("Phone or email", login)
        self.page.locator("#id_password").fill(password)
        self.press("Sign in")

    def sign_out(self) -> None:
        self.follow("You", within=".tabbar")
        self.press("Sign out")

    def ask_bank(self, *, amount: str, bank: str) -> None:
        """Fill in the form for adding money, up to the bank's page."""
        self.follow("Add")
        self.fill("How much?", amount)
        self.page.get_by_text(bank).click()
        self.press("Continue to your bank")
        self.sees_heading("Approve this payment?")

    def look_for(self, name: str, *, typed: str) -> None:
        """Search whom to pay, and choose them."""
        box = self.page.get_by_role("searchbox")
        box.press_sequentially(typed)
        if not self.has_scripts:
            self.press("Search")
        self.follow(name, within="#people")
        self.sees_heading(name)

    def offer(self, *, amount: str, note: str = "") -> None:
        """Say how much, up to the page that shows what will be sent."""
        self.fill("How much?", amount)
        if note:
            self.page.get_by_label("What is it for?").fill(note)
        self.press("Continue")


def deliver() -> int:
    """Let the bank post what it owes; return how many it tried."""
    tried = 0
    with deliveries.client() as http:
        while deliveries.deliver_next(http, now=timezone.now()):
            tried += 1
    return tried
