"""What a webhook may not be: forged, stale, malformed. Never a 500, never a changed balance."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from onramp.models import BankEvent
from tests.factories import available
from tests.onramp.support import message, post, post_raw, signed, start

pytestmark = pytest.mark.django_db
OTHER_SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def change(name: str, change: Callable[[str], str]) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: headers | {name: change(headers[name])}


FORGERIES = {
    "no id": without("webhook-id"),
    "no time": without("webhook-timestamp"),
    "no signature": without("webhook-signature"),
    "another id": change("webhook-id", lambda _: "evt_other"),
    "a later time": change("webhook-timestamp", lambda at: str(int(at) + 1)),
    "full-width digits": change(
        "webhook-timestamp",
        lambda at: at.translate({ord(d): 0xFEE0 + ord(d) for d in "0123456789"}),
    ),
    "a time with a fraction": change("webhook-timestamp", lambda at: at + ".0"),
    "an exponent": change("webhook-timestamp", lambda _: "1e9"),
    "a time that is none": change("webhook-timestamp", lambda _: "nan"),
    "a huge time": change("webhook-timestamp", lambda _: "9" * 400),
    "an empty signature": change("webhook-signature", lambda _: ""),
    "no comma": change("webhook-signature", lambda s: s.replace(",", "")),
    "two commas": change("webhook-signature", lambda s: s.replace(",", ",,")),
    "not base64": change("webhook-signature", lambda _: "v1,***"),
    "another version": change("webhook-signature", lambda s: s.replace("v1,", "v2,")),
    "an asymmetric version": change("webhook-signature", lambda s: s.replace("v1,", "v1a,")),
    "non-ASCII": change("webhook-signature", lambda s: s + " v1,é"),
    "a shorter one": change("webhook-signature", lambda s: s[:-8]),
    "only a version": change("webhook-signature", lambda _: "v1,"),
    "too many": change("webhook-signature", lambda s: "v1,AAAA " * 500 + s),
    "a non-ASCII id": change("webhook-id", lambda _: "evt_é"),
}


class TestASignature:
    @pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
    def test_is_refused_when_it_has(self, forge: Callable[..., dict[str, str]]) -> None:
        onramp = start()
        body = json.dumps(message(onramp)).encode()

        response = post_raw(body, forge(signed(body)))

        assert (response.status_code, json.loads(response.content)["error"]) == (401, "signature")
        assert (BankEvent.objects.count(), available(onramp.wallet)) == (0, 0)

    def test_is_refused_when_made_with_another_secret(self) -> None:
        body = json.dumps(message(start())).encode()

        assert post_raw(body, signed(body, secret=OTHER_SECRET)).status_code == 401

    def test_is_refused_when_the_body_changed_by_a_byte(self) -> None:
        body = json.dumps(message(start())).encode()

        assert post_raw(body + b" ", signed(body)).status_code == 401

    @pytest.mark.parametrize(("seconds", "status"), [(-310, 401), (310, 401), (-290, 200)])
    def test_is_good_for_300_seconds(self, seconds: int, status: int) -> None:
        body = json.dumps(message(start())).encode()
        headers = signed(body, at=timezone.now() + timedelta(seconds=seconds))

        assert post_raw(body, headers).status_code == status

    def test_is_found_among_several(self) -> None:
        body = json.dumps(message(start())).encode()
        headers = signed(body)
        headers["webhook-signature"] = f"v1a,xyz v1,AAAA {headers['webhook-signature']} junk"

        assert post_raw(body, headers).status_code == 200

    @pytest.mark.parametrize("event_id", ["e" * 129, "evt 1", "evt<script>", "evt\\1"])
    def test_is_not_enough_for_an_odd_event_id(self, event_id: str) -> None:
        assert post(message(start()), event_id=event_id).status_code == 400
        assert BankEvent.objects.count() == 0

    def test_is_asked_for_before_the_body_is_read(self) -> None:
        assert post_raw(b"not json", {}).status_code == 401


def data(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda said: said | {"data": said["data"] | changes}


def top(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    def change(said: dict[str, Any]) -> Any:
        return {name: value for name, value in (said | changes).items() if value is not ...}

    return change


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda said: [said],
    "a number": lambda _: 5,
    "null": lambda _: None,
    "no type": top(type=...),
    "an unknown type": top(type="onramp.refund"),
    "a type that is a number": top(type=1),
    "a type that is a list": top(type=["onramp.success"]),
    "no timestamp": top(timestamp=...),
    "a timestamp that is no time": top(timestamp="yesterday"),
    "a timestamp without a zone": top(timestamp="2026-11-20T10:00:00"),
    "a timestamp that is a number": top(timestamp=1763600000),
    "no data": top(data=...),
    "data that is a list": top(data=[]),
    "data that is a text": top(data="x"),
    "an amount as text": data(amount_minor="50000"),
    "an amount as float": data(amount_minor=50000.0),
    "an amount as bool": data(amount_minor=True),
    "no amount": data(amount_minor=None),
    "a huge amount": data(amount_minor=10**30),
    "an amount of 5,000 digits": data(amount_minor=10**4000),
    "a token that is a number": data(token=5),
    "an empty token": data(token=""),
    "a blank token": data(token="   "),
    "an endless token": data(token="x" * 129),
    "a token with NUL": data(token="a\0b"),
    "a token with half a character": data(token="\ud800"),
    "no currency": data(currency=None),
    "a currency that is a list": data(currency=["INR"]),
    "no reference for a success": data(bank_reference=None),
    "an endless reference": data(bank_reference="x" * 65),
    "a reference with NUL": data(bank_reference="\0"),
    "a reference with half a character": data(bank_reference="\udfff"),
    "a reference with a line break": data(bank_reference="a\nb"),
    "a reason that is a number": data(reason=5),
    "a reason that is a bool": data(reason=False),
    "a reason with NUL": data(reason="\0"),
    "a reason with half a character": data(reason="\ud83d"),
    "an endless reason": data(reason="x" * 201),
}
FIELDS = ["token", "amount_minor", "currency", "bank_reference", "reason"]
NOT_JSON = {
    "nothing": b"",
    "text": b"hello",
    "half an object": b'{"type": ',
    "two objects": b"{}{}",
    "a byte that is not UTF-8": b'{"type": "\xff"}',
    "UTF-16": '{"type": "onramp.success"}'.encode("utf-16"),
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"type": NaN}',
    "Infinity": b'{"type": -Infinity}',
    "10,000 brackets": b"[" * 10_000,
    "a deep object": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "a number of 10,000 digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "single quotes": b"{'type': 'onramp.success'}",
    "a form": b"type=onramp.success&token=x",
}


class TestABody:
    @pytest.mark.parametrize("spoil", MALFORMED.values(), ids=MALFORMED.keys())
    def test_is_refused_when_it_has(self, spoil: Callable[[dict[str, Any]], Any]) -> None:
        onramp = start()

        response = post(json.dumps(spoil(message(onramp))).encode())

        assert (response.status_code, json.loads(response.content)["error"]) == (400, "malformed")
        assert (BankEvent.objects.count(), available(onramp.wallet)) == (0, 0)

    @pytest.mark.parametrize("name", FIELDS)
    @pytest.mark.parametrize("kind", ["success", "failure"])
    def test_is_refused_without(self, name: str, kind: str) -> None:
        assert post(message(start(), kind, **{name: ...})).status_code == 400

    @pytest.mark.parametrize("name", FIELDS)
    @pytest.mark.parametrize("value", [{}, [], 1.5, True])
    def test_is_refused_with_another_type_of(self, name: str, value: Any) -> None:
        assert post(message(start(), **{name: value})).status_code == 400

    @pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
    def test_is_refused_when_it_is(self, body: bytes) -> None:
        response = post_raw(body, signed_bytes(body))

        assert (response.status_code, json.loads(response.content)["error"]) == (400, "malformed")

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "9" * 30, '{"a":1,"a":1}'])
    def test_is_refused_for_what_is_no_json_even_where_nobody_looks(self, value: str) -> None:
        body = json.dumps(message(start()))[:-1] + f', "later": {value}}}'

        assert post(body.encode()).status_code == 400

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            (b'{"type": NaN}', "NaN is not JSON."),
            (b"hello", "The body is not JSON in UTF-8."),
            (b"[]", "The body is not an object."),
            (b'{"type": "onramp.refund"}', "type is not one we know."),
            (b'{"type": "onramp.success", "timestamp": "x"}', "timestamp is not an ISO 8601 time."),
        ],
    )
    def test_is_told_what_is_wrong_in_a_sentence(self, body: bytes, detail: str) -> None:
        assert json.loads(post(body).content)["detail"] == detail

    def test_is_told_the_name_of_a_field_as_it_is_written(self) -> None:
        response = post(message(start(), amount_minor=...))

        detail = json.loads(response.content)["detail"]
        assert detail == "amount_minor is missing or not a whole number."

    @pytest.mark.parametrize("field", ["type", "data"])
    def test_is_refused_when_a_field_is_there_twice(self, field: str) -> None:
        said = message(start())
        body = json.dumps(said)[:-1] + f', "{field}": {json.dumps(said[field])}}}'

        assert post(body.encode()).status_code == 400

    def test_is_refused_when_the_amount_is_there_twice(self) -> None:
        body = json.dumps(message(start()))
        body = body.replace('"amount_minor"', '"amount_minor": 1, "amount_minor"')

        assert post(body.encode()).status_code == 400

    @pytest.mark.parametrize(
        "reason", ["", "<script>alert(1)</script>", "😀 \u202e", "two\nlines", "x" * 200]
    )
    def test_of_failure_may_give_any_reason_in_words(self, reason: str) -> None:
        onramp = start()

        assert post(message(onramp, "failure", reason=reason)).status_code == 200

        onramp.refresh_from_db()
        assert onramp.failure_reason


def signed_bytes(body: bytes) -> dict[str, str]:
    """Sign a body; the library only takes text."""
    return signed(body) if is_utf8(body) else sign_by_hand(body)


def is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def sign_by_hand(body: bytes) -> dict[str, str]:
    headers = signed(b"")
    key = base64.b64decode(settings.BANK_WEBHOOK_SECRETS[0].removeprefix("whsec_"))
    stamped = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    digest = base64.b64encode(hmac.digest(key, stamped, "sha256")).decode()
    return headers | {"webhook-signature": f"v1,{digest}"}
