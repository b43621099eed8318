"""Asking a bank over HTTP: little time, little text, and no trust in either."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

from onramp import strict
from onramp.banks.protocol import BankAway, BankUnreachable
from onramp.statements.lines import MAX_BYTES

_TIMEOUT = httpx.Timeout(4, connect=1)
_WHOLE_S = 8  # For an answer that comes in drops, each of them in time.
_MOST_JSON = 256 * 1024
_DOWNLOAD_S = 120  # For a statement, which is large and asked for once a day.


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a bank answered: its HTTP status, and its JSON object."""

    status: int
    said: dict[str, Any]


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: Any = None,
) -> Answer:
    """
    Ask once, without redirects and proxies; return the answer, whatever its status.

    :raises BankAway: if none came in time.
    :raises BankUnreachable: if it is no JSON object of a sane size.
    """
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False, auth=auth) as client,
            client.stream(method, url, headers=headers, params=params, json=json) as answer,
        ):
            body = _body(answer, most=_MOST_JSON, within_s=_WHOLE_S)
            return Answer(status=answer.status_code, said=strict.parse(body))
    except httpx.HTTPError as error:
        raise BankAway("no answer") from error
    except strict.Malformed as error:
        raise BankUnreachable("no JSON object") from error


def download(url: str, *, headers: Mapping[str, str], params: Mapping[str, str]) -> bytes:
    """
    Return what stands at url, up to the size of a statement.

    :raises BankUnreachable: if nothing came in time, or anything but a statement.
    """
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False) as client,
            client.stream("GET", url, headers=headers, params=params) as answer,
        ):
            if answer.status_code != 200:
                raise BankUnreachable(f"answered {answer.status_code}")
            return _body(answer, most=MAX_BYTES, within_s=_DOWNLOAD_S)
    except httpx.HTTPError as error:
        raise BankAway("no answer") from error


def _body(answer: httpx.Response, *, most: int, within_s: float) -> bytes:
    until, body = monotonic() + within_s, bytearray()
    for chunk in answer.iter_bytes(65_536):
        body += chunk
        if len(body) > most:
            raise BankUnreachable("too much")
        if monotonic() > until:
            raise BankAway("too slow")
    return bytes(body)
