"""Somebody is paid while they look, and reads what they were told."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from accounts.models import Notice
from tests.browser.visitor import Visitor
from tests.factories import make_wallet, send
from wallet.models import Wallet


@pytest.fixture
def meera(visitor: Visitor) -> Wallet:
    wallet = make_wallet(name="Meera Iyer", balance_minor=10_000)
    Notice.objects.update(read_at="2026-11-20T10:00:00Z")
    visitor.arrive_with(wallet)
    return wallet


@pytest.fixture
def kabir() -> Wallet:
    return make_wallet(name="Kabir Mehta", balance_minor=90_000)


def test_the_bell_rings_and_the_balance_follows_without_a_new_page(
    visitor: Visitor, meera: Wallet, kabir: Wallet
) -> None:
    page = visitor.page
    visitor.go("/dashboard/")
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()

    send(kabir, meera, 25_000, note="Books")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.get_by_role("link", name="Notices, 1 unread")).to_be_visible()
    expect(page.locator("#bal-now")).to_contain_text("350")
    expect(page.locator("#recent")).to_contain_text("Books")
    expect(page.locator("#say")).to_have_text("Notices, 1 unread")

    page.get_by_role("link", name="Notices, 1 unread").click()
    visitor.sees_heading("Notices")
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile("New: Kabir Mehta")).click()
    visitor.sees("Books")
    assert not Notice.objects.filter(read_at=None, user=meera.owner).exists()


def test_without_scripts_a_button_marks_all_as_read(
    open_browser: Callable[..., Visitor], kabir: Wallet
) -> None:
    visitor = open_browser(scripts=False)
    meera = make_wallet(name="Meera Iyer")
    send(kabir, meera, 25_000)
    visitor.arrive_with(meera)
    visitor.go("/notices/")

    visitor.press("Mark all as read")

    visitor.sees("Your notices are marked as read.")
    expect(visitor.page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
