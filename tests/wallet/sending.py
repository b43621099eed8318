"""What the tests of the sending pages share."""

import re
from typing import Any

from django.test import Client
from django.utils.http import urlencode

from tests.wallet.pages import asked, review_url

URL = "/send/"


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def post(client: Client, fields: dict[str, Any]) -> Any:
    """Post the fields as a browser does; bytes go out as they are."""
    form = "application/x-www-form-urlencoded"
    return client.post(URL, urlencode(fields), content_type=form)


def to_review(client: Client, **fields: object) -> tuple[str, str]:
    """Fill the form in; return the address of the review page and the token in it."""
    given = asked(**fields)
    assert client.post(URL, given).status_code == 303
    return review_url(given), token_in(client.get(review_url(given)))


def token_in(response: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text_of(response))
    assert found, "no token in the page"
    return found[1]


def carried(page: Any) -> dict[str, str]:
    """Return what the link that changes the person carries along."""
    return dict([page.context["change"].split("?")[1].split("=")])
