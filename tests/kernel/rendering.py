"""What the tests of templates share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.template import Context, Template
from django.template.loader import render_to_string

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 18, 42, 9, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def render(source: str, **values: Any) -> str:
    """Return what the template in source becomes."""
    return Template(source).render(Context(values))


def component(name: str, **values: Any) -> str:
    """Return what templates/components/<name>.html becomes."""
    return render_to_string(f"components/{name}.html", values)
