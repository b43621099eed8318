"""A queued inbox for tests: what its worker does, and what stands in its way."""

from django.db import connection
from django.utils import timezone

from onramp import services
from onramp.services import Answer, Delivery
from tests.onramp.worlds import AT


def apply() -> int:
    return services.apply_waiting_events(clock=timezone.now)


def run_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def take_every_job() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")


def receive(delivery: Delivery) -> Answer | None:
    event_id, body, headers = delivery
    try:
        return services.receive_bank_event(
            bank="simbank", event_id=event_id, body=body, headers=headers, now=AT
        )
    except services.Malformed:
        return None
