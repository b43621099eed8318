"""Whole pages: what all of them get, and what none of them may hold."""

import re
from typing import Any

import pytest
from django.template import TemplateSyntaxError
from django.template.loader import render_to_string
from django.test import RequestFactory

from nexapay.kernel import context
from tests.kernel.rendering import EVIL, ROOT, render

pytestmark = pytest.mark.usefixtures("at_a_known_time")


class TestShell:
    def test_takes_the_look_from_cookies_and_trusts_none_of_them(self) -> None:
        request = RequestFactory().get("/")

        assert context.shell(request)["theme"] == ""
        request.COOKIES = {"theme": "dark", "private": "1"}
        assert (context.shell(request)["theme"], context.shell(request)["private"]) == (
            "dark",
            True,
        )
        request.COOKIES = {"theme": '"><script>', "private": "yes"}
        assert (context.shell(request)["theme"], context.shell(request)["private"]) == ("", False)


class TestErrorPage:
    @pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500])
    def test_needs_no_request(self, status: int, settings: Any) -> None:
        plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}

        html = render_to_string("error.html", {"title": "Sorry", "text": EVIL, "status": status})

        assert "<h1>Sorry</h1>" in html
        assert 'href="/"' in html
        assert "<script>" not in html


class TestTemplates:
    def test_have_nothing_that_the_content_security_policy_would_stop(self) -> None:
        for path in (ROOT / "templates").rglob("*.html"):
            text = path.read_text()
            assert not re.search(r'\sstyle="|\son[a-z]+="|hx-on|javascript:|<style', text), path
            assert not re.search(r"<script(?![^>]*\bsrc=)", text), path

    def test_refuse_an_unknown_tag(self) -> None:
        with pytest.raises(TemplateSyntaxError):
            render("{% nothing %}")
