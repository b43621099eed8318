"""Every row of the contract's table, through the front door with real signatures."""

import json
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.support import URL, message, post, post_raw, signed, start
from wallet.models import Transfer, Wallet
from wallet.services import set_status

pytestmark = pytest.mark.django_db
QUARANTINED = BankEvent.Status.QUARANTINED


def answered(response: HttpResponse) -> tuple[int, Any]:
    return response.status_code, json.loads(response.content)


def refused(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, json.loads(response.content)["error"]


def statuses() -> list[str]:
    return list(BankEvent.objects.order_by("pk").values_list("status", flat=True))


class TestAGoodEvent:
    def test_of_success_credits_the_wallet_and_settles_the_onramp(self) -> None:
        onramp = start(amount_minor=50_000)

        response = post(message(onramp, bank_reference="BNY-1"))

        assert answered(response) == (200, {"status": "success"})
        onramp.refresh_from_db()
        assert (onramp.status, onramp.bank_reference) == ("success", "BNY-1")
        assert available(onramp.wallet) == 50_000
        assert onramp.transfer
        assert onramp.transfer.source.name == "Banyan Bank"

    def test_of_failure_moves_no_money_and_keeps_the_reason(self) -> None:
        onramp = start()

        response = post(message(onramp, "failure", reason="declined by customer"))

        assert answered(response) == (200, {"status": "failure"})
        onramp.refresh_from_db()
        assert (onramp.status, onramp.failure_reason) == ("failure", "declined by customer")
        assert (available(onramp.wallet), Transfer.objects.count()) == (0, 0)

    def test_of_failure_may_lack_a_reason_and_a_reference(self) -> None:
        onramp = start()

        response = post(message(onramp, "failure", reason=None, bank_reference=None))

        assert answered(response) == (200, {"status": "failure"})

    def test_is_kept_as_it_came_and_linked_to_its_onramp(self) -> None:
        onramp = start()
        body = b' {"type": "onramp.success",  "later": 1.5, ' + json.dumps(
            message(onramp)
        ).encode().removeprefix(b'{"type": "onramp.success", ')

        post(body, event_id="evt_1")

        event = BankEvent.objects.get(event_id="evt_1")
        assert bytes(event.body) == body
        assert (event.bank, event.onramp, event.status) == ("simbank", onramp, "processed")
        assert set(event.headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}

    def test_credits_even_a_wallet_frozen_since(self) -> None:
        onramp = start()
        set_status(wallet_id=onramp.wallet_id, status=Wallet.Status.FROZEN)

        assert post(message(onramp)).status_code == 200

        assert available(onramp.wallet) == 50_000

    def test_after_its_time_but_before_anybody_gave_up_still_credits(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))

        assert answered(post(message(onramp))) == (200, {"status": "success"})

    def test_signed_with_the_older_of_two_secrets_is_good(self, settings: Any) -> None:
        onramp = start()
        older = settings.BANK_WEBHOOK_SECRETS[0]
        settings.BANK_WEBHOOK_SECRETS = ["whsec_" + "bmV3" * 10, older]
        body = json.dumps(message(onramp)).encode()

        assert post_raw(body, signed(body, secret=older)).status_code == 200


class TestARepeatedEvent:
    @pytest.mark.parametrize("kind", ["success", "failure"])
    def test_is_answered_as_a_duplicate(self, kind: str) -> None:
        onramp = start()
        said = message(onramp, kind)
        post(said, event_id="evt_1")

        response = post(said, event_id="evt_1")

        assert answered(response) == (200, {"status": kind, "duplicate": True})
        assert statuses() == ["processed"]

    def test_of_success_credits_once(self) -> None:
        onramp = start()

        for _ in range(3):
            post(message(onramp), event_id="evt_1")

        assert (available(onramp.wallet), Transfer.objects.count()) == (50_000, 1)

    @pytest.mark.parametrize("kind", ["success", "failure"])
    def test_under_another_id_is_a_duplicate_too(self, kind: str) -> None:
        onramp = start()
        post(message(onramp, kind))

        response = post(message(onramp, kind))

        assert answered(response) == (200, {"status": kind, "duplicate": True})
        assert statuses() == ["processed", "ignored"]
        assert available(onramp.wallet) == (50_000 if kind == "success" else 0)

    def test_with_another_reference_is_a_duplicate_that_staff_should_see(self) -> None:
        onramp = start()
        post(message(onramp, bank_reference="BNY-1"))

        response = post(message(onramp, bank_reference="BNY-2"))

        assert answered(response) == (200, {"status": "success", "duplicate": True})
        assert statuses() == ["processed", QUARANTINED]
        assert available(onramp.wallet) == 50_000


class TestAnEventWeCannotFollow:
    def test_of_an_unknown_token_is_quarantined(self) -> None:
        said = message(start(), token="nobody-knows-me")

        assert refused(post(said, event_id="evt_1")) == (404, "unknown_token")
        assert refused(post(said, event_id="evt_1")) == (404, "unknown_token")

        assert statuses() == [QUARANTINED]

    @pytest.mark.parametrize("kind", ["success", "failure"])
    @pytest.mark.parametrize(
        "difference",
        [
            {"amount_minor": 50_001},
            {"amount_minor": -50_000},
            {"amount_minor": 0},
            {"currency": "USD"},
            {"currency": "inr"},
        ],
    )
    def test_of_other_terms_is_quarantined(self, difference: dict[str, Any], kind: str) -> None:
        onramp = start(amount_minor=50_000)

        assert refused(post(message(onramp, kind, **difference))) == (422, "terms_differ")

        onramp.refresh_from_db()
        assert (onramp.status, statuses()) == ("processing", [QUARANTINED])
        assert available(onramp.wallet) == 0

    def test_of_other_terms_does_not_hinder_the_right_one(self) -> None:
        onramp = start(amount_minor=50_000)
        post(message(onramp, amount_minor=5))

        assert answered(post(message(onramp))) == (200, {"status": "success"})

    def test_with_a_known_id_and_another_body_is_kept_beside_the_first(self) -> None:
        onramp, other = start(), start()
        post(message(onramp), event_id="evt_1")

        response = post(message(other), event_id="evt_1")

        assert refused(response) == (422, "other_body")
        assert statuses() == ["processed", QUARANTINED]
        first, second = BankEvent.objects.order_by("pk")
        assert second.conflicts_with == first
        assert json.loads(bytes(second.body))["data"]["token"] == other.token
        assert available(other.wallet) == 0

    def test_with_a_known_id_and_another_body_is_kept_once(self) -> None:
        onramp = start()
        post(message(onramp), event_id="evt_1")

        for amount_minor in (1, 2, 1, 2):
            said = message(onramp, amount_minor=amount_minor)
            assert refused(post(said, event_id="evt_1")) == (422, "other_body")

        assert BankEvent.objects.count() == 3

    @pytest.mark.parametrize(("first", "then"), [("success", "failure"), ("failure", "success")])
    def test_that_contradicts_the_settlement_is_quarantined(self, first: str, then: str) -> None:
        onramp = start()
        post(message(onramp, first))
        before = available(onramp.wallet)

        assert refused(post(message(onramp, then))) == (409, "contradiction")

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == (first, before)
        assert statuses() == ["processed", QUARANTINED]

    def test_of_success_after_expiry_is_quarantined(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))
        assert services.expire_onramps(now=timezone.now()) == 1

        assert refused(post(message(onramp))) == (409, "contradiction")

        assert (available(onramp.wallet), statuses()) == (0, [QUARANTINED])

    def test_with_the_reference_of_another_onramp_is_quarantined(self) -> None:
        paid, unpaid = start(), start()
        post(message(paid, bank_reference="BNY-1"))

        response = post(message(unpaid, bank_reference="BNY-1"))

        assert refused(response) == (422, "reference_taken")
        assert (available(unpaid.wallet), statuses()) == (0, ["processed", QUARANTINED])

    def test_may_share_its_reference_with_another_banks(self) -> None:
        paid, other = start(bank="banyan"), start(bank="lotus")
        post(message(paid, bank_reference="1"))

        assert post(message(other, bank_reference="1")).status_code == 200


class TestTheDoor:
    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
    def test_takes_post_only(self, method: str) -> None:
        response = getattr(Client(), method)(URL)

        assert (response.status_code, response["Allow"]) == (405, "POST")

    def test_refuses_64_kib_and_a_byte(self) -> None:
        body = b"{" + b" " * 64 * 1024

        assert refused(post_raw(body, signed(body))) == (413, "too_large")

    def test_takes_64_kib(self) -> None:
        said = json.dumps(message(start())).encode()
        body = said + b" " * (64 * 1024 - len(said))

        assert post(body).status_code == 200

    def test_refuses_by_the_claimed_length_alone(self) -> None:
        response = Client().post(
            URL, b"{}", content_type="application/json", CONTENT_LENGTH="99999999999999999999"
        )

        assert response.status_code == 413

    def test_counts_what_it_reads_as_well(self) -> None:
        body = b" " * (64 * 1024 + 1)
        length = f"{len(body):020}"  # Its first nine digits are zeros.

        response = Client().post(URL, body, content_type="application/json", CONTENT_LENGTH=length)

        assert response.status_code == 413

    def test_needs_no_session_and_no_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)

        assert post(message(start()), client=client).status_code == 200

    @pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "utf-16", "nonsense"])
    def test_reads_bytes_as_utf_8_whatever_charset_is_claimed(self, charset: str) -> None:
        body = json.dumps(message(start())).encode()
        claim = f"application/json; charset={charset}"

        # generic(), as post() would write the body in that charset.
        response = Client().generic("POST", URL, body, claim, headers=signed(body))

        assert answered(cast(HttpResponse, response)) == (200, {"status": "success"})

    def test_opens_without_the_last_slash_as_well(self) -> None:
        body = json.dumps(message(start())).encode()

        response = Client().post(
            URL.rstrip("/"), body, content_type="application/json", headers=signed(body)
        )

        assert answered(cast(HttpResponse, response)) == (200, {"status": "success"})
        assert reverse("onramp:webhook") == URL

    def test_says_busy_when_the_rows_cannot_be_had(self, monkeypatch: Any) -> None:
        def busy(**_: Any) -> None:
            raise services.Busy("NexaPay is busy.")

        monkeypatch.setattr(services, "record_bank_event", busy)

        response = post(message(start()))

        assert refused(response) == (503, "busy")
        assert response["Retry-After"]

    @pytest.mark.parametrize(
        "error", [OperationalError, InterfaceError, InternalError, DatabaseError]
    )
    def test_asks_for_another_try_when_the_database_is_away(
        self, monkeypatch: Any, error: type[Exception]
    ) -> None:
        def fail(**_: Any) -> None:
            raise error("server closed the connection unexpectedly")

        monkeypatch.setattr(services, "record_bank_event", fail)

        response = post(message(start()))

        assert refused(response) == (503, "unavailable")
        assert response["Retry-After"]

    @pytest.mark.parametrize("error", [DataError, IntegrityError, ProgrammingError])
    def test_does_not_hide_a_mistake_of_ours(
        self, monkeypatch: Any, error: type[Exception]
    ) -> None:
        def fail(**_: Any) -> None:
            raise error("sent again, it would fail again")

        monkeypatch.setattr(services, "record_bank_event", fail)

        with pytest.raises(error):
            post(message(start()))

    def test_never_counts_genuine_webhooks(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("onramp.webhooks._FORGED_PER_MINUTE", 0)

        assert post(message(start())).status_code == 200

    def test_throttles_forgers_by_address(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("onramp.webhooks._FORGED_PER_MINUTE", 2)

        codes = [post_raw(b"{}", {}).status_code for _ in range(4)]

        assert codes == [401, 401, 429, 429]
        assert BankEvent.objects.count() == 0
        assert OnRampTransaction.objects.count() == 0
        assert make_wallet()
