"""Chromium, the running site, and a bank that answers over HTTP."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from onramp.simbank import server
from tests.browser.visitor import PHONE, Visitor, Watch

HERE = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 20_000  # For a machine that is busy; nothing is judged by its speed.
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests, so that one may leave them out: -m "not browser"."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """
    Keep one browser open, once there is a database.

    Django keeps connections by event loop, and Playwright runs one: a database that was made
    beneath it could not be thrown away, for the tests' own connection would still be open.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"needs a browser: none of {', '.join(_NAMES)} is installed")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, although the tests themselves never await.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=_PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def bank_port() -> Iterator[int]:
    """Serve the simulated bank's API, as `manage.py simbank` does."""
    api = server.make_server(host="127.0.0.1", port=0)
    thread = Thread(target=api.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield api.server_port
    api.shutdown()
    thread.join()
    api.server_close()


@pytest.fixture
def site(live_server: LiveServer, bank_port: int, settings: Settings) -> str:
    """The address of NexaPay, with its bank beside it."""
    settings.BANK_API_URL = f"http://127.0.0.1:{bank_port}"
    settings.BANK_WEBHOOK_URL = f"{live_server.url}/webhooks/bank/"
    return str(live_server.url)


@pytest.fixture
def open_browser(chromium: Browser, site: str) -> Iterator[Callable[..., Visitor]]:
    """Open a window for somebody; when the test ends, nothing may have gone wrong in it."""
    watch, contexts = Watch(site), []

    def open_one(*, scripts: bool = True) -> Visitor:
        context = chromium.new_context(
            base_url=site,
            viewport={"width": PHONE[0], "height": PHONE[1]},
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-IN",
        )
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        watch.follow(context)
        return Visitor(context.new_page(), watch, has_scripts=scripts)

    yield open_one
    for context in contexts:
        context.close()
    assert watch.complaints == []


@pytest.fixture
def visitor(open_browser: Callable[..., Visitor]) -> Visitor:
    """Somebody with a phone."""
    return open_browser()


@pytest.fixture(params=["with scripts", "without scripts"])
def either(open_browser: Callable[..., Visitor], request: pytest.FixtureRequest) -> Visitor:
    """Somebody with a phone, once with JavaScript and once without."""
    return open_browser(scripts=request.param == "with scripts")
