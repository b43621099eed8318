"""What the tests of people share."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import User

Post = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _no_tries_counted_yet(db: None) -> None:
    """Start each test with every try left: the counts outlive tests that commit."""
    cache.clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM nexapay_throttle")


@pytest.fixture
def sign_up(client: Client) -> Post:
    """Post the sign-up form as Kabir would, but for what is given; None leaves a field out."""

    def post(**fields: Any) -> HttpResponse:
        typed = {
            "name": "Kabir Mehta",
            "phone": "98450 68214",
            "email": "",
            "password": "seven-green-parrots",
        }
        sent = {field: value for field, value in (typed | fields).items() if value is not None}
        return client.post("/accounts/signup/", sent)  # type: ignore[return-value]

    return post


@pytest.fixture
def sign_in(client: Client) -> Post:
    """Post the sign-in form."""

    def post(login: str, password: str, **fields: Any) -> HttpResponse:
        sent = {"login": login, "password": password, **fields}
        return client.post("/accounts/login/", sent)  # type: ignore[return-value]

    return post


def who(client: Client) -> User | None:
    """Return who is signed in."""
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def text_of(response: HttpResponse) -> str:
    """Return the page, with the apostrophes and quotes that escaping hides."""
    return response.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


@pytest.fixture
def house_sends_mail(settings: Settings) -> None:
    settings.SENDS_MAIL = True
    settings.SITE_URL = "https://pay.example.com"
