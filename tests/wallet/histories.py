"""What the tests of the history share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

URL = "/transactions/"
HTMX = {"HX-Request": "true"}
NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # Noon in India.
ABOUT_NOW = time_machine.travel(NOON + timedelta(hours=6), tick=False)


def text_of(response: Any) -> str:
    """Return the page."""
    text: str = response.content.decode()
    return text


def notes_of(response: Any) -> list[str]:
    """Return the notes of the rows on the page, in order."""
    return [row.note for day in response.context["days"] for row in day.rows]
