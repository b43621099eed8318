"""Asking a bank over HTTP: little time, little text, and no trust in either."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

from onramp import strict
from onramp.banks.protocol import BankUnreachable

_TIMEOUT = httpx.Timeout(4, connect=1)
_WHOLE_S = 8  # For an answer that comes in drops, each of them in time.
_MAX_BYTES = 256 * 1024


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

    :raises BankUnreachable: if none came in time, or none that is a JSON object of a sane size.
    """
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False, auth=auth) as client,
            client.stream(method, url, headers=headers, params=params, json=json) as answer,
        ):
            return Answer(status=answer.status_code, said=strict.parse(_body(answer)))
    except httpx.HTTPError as error:
        raise BankUnreachable("no answer") from error
    except strict.Malformed as error:
        raise BankUnreachable("no JSON object") from error


def _body(answer: httpx.Response) -> bytes:
    until, body = monotonic() + _WHOLE_S, b""
    for chunk in answer.iter_bytes(16_384):
        body += chunk
        if len(body) > _MAX_BYTES or monotonic() > until:
            raise BankUnreachable("too much, or too slow")
    return body
