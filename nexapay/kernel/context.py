"""What every template may use: the look a person chose, and what the house is set up for."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what is below. theme is "", "light" or "dark"; "" follows the system."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "private": request.COOKIES.get("private") == "1",
        "default_currency": settings.DEFAULT_CURRENCY,
        "sends_mail": settings.SENDS_MAIL,
    }
