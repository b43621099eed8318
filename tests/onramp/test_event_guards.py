"""What the database refuses of a bank's event by itself: hostile statements, straight in SQL."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from onramp.models import BankEvent
from tests.onramp import offramps
from tests.onramp.support import message, post, refuses, start

pytestmark = pytest.mark.django_db
EVENTS = "onramp_bankevent"


class TestABankEvent:
    @pytest.fixture
    def event(self) -> BankEvent:
        """An event that was processed."""
        post(message(start()))
        return BankEvent.objects.get()

    @pytest.fixture
    def fresh(self) -> BankEvent:
        """An event that nobody has judged yet."""
        return receive()

    @pytest.mark.parametrize(
        "change",
        [
            "body = 'x', body_sha256 = sha256('x')",
            "headers = '{}'",
            "event_id = 'evt_other'",
            "token = 'other'",
            "bank = 'other'",
            "received_at = now() - interval '1 hour'",
        ],
    )
    def test_stays_as_it_came(self, fresh: BankEvent, change: str) -> None:
        refuses(f"UPDATE {EVENTS} SET {change} WHERE id = %s", fresh.pk, says="never changes")

    @pytest.mark.parametrize(
        "change",
        [
            "status = 'received', verdict = '', processed_at = NULL",
            "status = 'quarantined'",
            "status = 'ignored'",
            "onramp_id = NULL",
            "attempts = 9",
        ],
    )
    def test_is_judged_once(self, event: BankEvent, change: str) -> None:
        refuses(f"UPDATE {EVENTS} SET {change} WHERE id = %s", event.pk, says="judged once")

    @pytest.mark.parametrize("change", ["status = 'lost'", "status = 'processed'"])
    def test_has_a_verdict_and_a_known_status(self, fresh: BankEvent, change: str) -> None:
        refuses(
            f"UPDATE {EVENTS} SET {change} WHERE id = %s",
            fresh.pk,
            says="bank_event_status_fits_its_facts",
        )

    def test_arrives_judged_only_with_a_verdict_and_its_time(self) -> None:
        with pytest.raises(IntegrityError, match="bank_event_status_fits_its_facts"):
            receive(status="processed", processed_at=timezone.now())

    def test_has_the_digest_of_its_body(self) -> None:
        with pytest.raises(IntegrityError, match="bank_event_digest_is_of_its_body"):
            receive(body_sha256=bytes(32))

    def test_has_one_row_for_each_id(self, event: BankEvent) -> None:
        with pytest.raises(IntegrityError, match="bank_event_once"):
            receive(event_id=event.event_id)

    def test_conflicts_only_with_the_first_of_its_own_id(self, event: BankEvent) -> None:
        with pytest.raises(IntegrityError, match="conflicts only with the first"):
            receive(conflicts_with=event)

    def test_conflicts_with_the_first_by_another_body(self, event: BankEvent) -> None:
        with pytest.raises(IntegrityError, match="conflicts only with the first"):
            receive(
                event_id=event.event_id,
                body=event.body,
                body_sha256=event.body_sha256,
                conflicts_with=event,
            )

    def test_has_one_row_for_each_other_body(self, event: BankEvent) -> None:
        other = receive(event_id=event.event_id, conflicts_with=event)
        receive(event_id=event.event_id, conflicts_with=event)

        with pytest.raises(IntegrityError, match="bank_event_once"):
            receive(
                event_id=event.event_id,
                body=other.body,
                body_sha256=other.body_sha256,
                conflicts_with=event,
            )

    @pytest.mark.parametrize("payment", ["onramp_id", "offramp_id"])
    def test_speaks_of_a_payment_that_is_there(self, payment: str) -> None:
        """Guard: onramp_judge_events, which looks for that very one."""
        start()
        offramps.withdraw()
        with pytest.raises(IntegrityError, match="a payment that is not there"):
            receive(**{payment: 2**62})

    @pytest.mark.parametrize("payment", ["onramp_id", "offramp_id"])
    def test_is_applied_to_a_payment_that_is_there(self, fresh: BankEvent, payment: str) -> None:
        """Guard: bank_event_judged_when_applied."""
        refuses(
            f"UPDATE {EVENTS} SET {payment} = {2**62} WHERE id = %s",
            fresh.pk,
            says="a payment that is not there",
        )

    def test_conflicts_with_an_event_that_is_there(self) -> None:
        with pytest.raises(IntegrityError, match="conflicts only with the first"):
            receive(conflicts_with_id=2**62)

    @pytest.mark.parametrize("sql", [f"DELETE FROM {EVENTS}", f"TRUNCATE {EVENTS} CASCADE"])
    def test_stays(self, fresh: BankEvent, sql: str) -> None:
        connection.check_constraints()
        refuses(sql, says="is refused")


def receive(**fields: Any) -> BankEvent:
    body = b"x" + uuid4().bytes
    with connection.cursor() as cursor:
        cursor.execute("SELECT sha256(%s)", [body])
        digest = cursor.fetchone()[0]
    row = {
        "bank": "simbank",
        "event_id": uuid4().hex,
        "body": body,
        "body_sha256": digest,
        "headers": {"webhook-id": "x"},
        "received_at": timezone.now(),
    }
    with transaction.atomic():
        return BankEvent.objects.create(**row | fields)
