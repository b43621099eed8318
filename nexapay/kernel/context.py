"""What every template may use: the look a person chose, and the currency of the house."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return theme ("", "light" or "dark"; "" follows the system), private, default_currency."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "private": request.COOKIES.get("private") == "1",
        "default_currency": settings.DEFAULT_CURRENCY,
    }
