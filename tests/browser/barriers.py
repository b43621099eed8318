"""What keeps people out of a page: found by axe-core, and by a screen of 320 pixels."""

from importlib.resources import files
from typing import Any, Literal

from playwright.sync_api import Page

from tests.browser.visitor import DESK, PHONE

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_RUN = """async (rules) => {
  const { violations } = await axe.run({ resultTypes: ["violations"], ...rules });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""
# Day and night differ in colours and in nothing else: what is no matter of colour is asked once.
_THEMES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
}
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_NARROW = 320


def barriers(page: Page, name: str) -> list[str]:
    """Return what is wrong with the page, in light and dark, on a phone and on a desk."""
    # Evaluated by the debugger, so that the page keeps its own strict CSP meanwhile.
    page.evaluate(_AXE)
    found = []
    for width, height in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": height})
        for theme, rules in _THEMES.items():
            page.emulate_media(color_scheme=theme)
            problems: list[str] = page.evaluate(_RUN, rules)
            found += [f"{name}, {theme}, {width} px: {problem}" for problem in problems]
    page.set_viewport_size({"width": _NARROW, "height": 640})
    if over := page.evaluate(_OVERFLOW):
        found.append(f"{name}, {_NARROW} px: {over} px too wide")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    return found
