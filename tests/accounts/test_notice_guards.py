"""What the database refuses of a notice by itself: hostile statements, straight in SQL."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Notice
from tests.factories import make_wallet, send
from tests.wallet.pages import owner

pytestmark = pytest.mark.django_db
SET = {
    "none": "mail_status = 'none', mail_at = NULL, mailed_at = NULL",
    "waiting": "mail_status = 'waiting', mail_at = now(), mailed_at = NULL",
    "sending": "mail_status = 'sending', mail_at = now(), mailed_at = NULL",
    "sent": "mail_status = 'sent', mail_at = NULL, mailed_at = now()",
    "failed": "mail_status = 'failed', mail_at = now(), mailed_at = NULL",
}
WAY = {
    "none": ["none"],
    "waiting": [],
    "sending": ["sending"],
    "sent": ["sending", "sent"],
    "failed": ["sending", "failed"],
}
ALLOWED = {
    ("waiting", "sending"), ("waiting", "none"), ("sending", "sent"), ("sending", "waiting"),
    ("sending", "failed"), ("failed", "waiting"),
}  # fmt: skip
REFUSED = [(old, new) for old in SET for new in SET if old != new and (old, new) not in ALLOWED]


@pytest.fixture
def notice() -> Notice:
    """Of a payment, whose mail waits."""
    paid = make_wallet(email="meera@example.com")
    send(make_wallet(balance_minor=900), paid, 250)
    return Notice.objects.get(user=owner(paid))


def change(notice: Notice, what: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_notice SET {what} WHERE id = %s", [notice.pk])


def refuses(notice: Notice, what: str, *, says: str) -> None:
    with pytest.raises(IntegrityError, match=says):
        change(notice, what)


class TestANotice:
    @pytest.mark.parametrize(
        "what",
        [
            "kind = 'added'",
            "subject = gen_random_uuid()",
            "amount_minor = amount_minor + 1",
            "currency = 'USD'",
            "who = 'Somebody else'",
            "happened_at = now()",
            "user_id = user_id + 1",
            "id = id + 1000",
        ],
    )
    def test_says_what_it_said(self, notice: Notice, what: str) -> None:
        refuses(notice, what, says="it says what it said")

    @pytest.mark.parametrize("sql", ["DELETE FROM", "TRUNCATE"])
    def test_stays(self, notice: Notice, sql: str) -> None:
        with (
            pytest.raises(IntegrityError, match="is kept"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"{sql} accounts_notice")

    def test_is_there_once(self, notice: Notice) -> None:
        notice.pk = None
        with pytest.raises(IntegrityError, match="notice_once"), transaction.atomic():
            notice.save(force_insert=True)

    def test_is_read(self, notice: Notice) -> None:
        change(notice, "read_at = now()")


class TestItsMail:
    @pytest.mark.parametrize(("old", "new"), sorted(ALLOWED))
    def test_moves_on(self, notice: Notice, old: str, new: str) -> None:
        for step in [*WAY[old], new]:
            change(notice, SET[step])

        notice.refresh_from_db()
        assert notice.mail_status == new

    @pytest.mark.parametrize(("old", "new"), REFUSED)
    def test_moves_no_other_way(self, notice: Notice, old: str, new: str) -> None:
        for step in WAY[old]:
            change(notice, SET[step])

        refuses(notice, SET[new], says="taken once")

    @pytest.mark.parametrize("step", ["waiting", "sending", "sent"])
    def test_is_tried_by_who_takes_it_alone(self, notice: Notice, step: str) -> None:
        for each in WAY[step]:
            change(notice, SET[each])

        refuses(notice, "mail_attempts = mail_attempts + 1", says="taken once")

    @pytest.mark.parametrize(
        "what",
        [
            "mail_at = NULL",
            "mailed_at = now()",
            "mail_status = 'none'",
            "mail_status = 'sending', mail_at = NULL",
        ],
    )
    def test_has_its_times(self, notice: Notice, what: str) -> None:
        refuses(notice, what, says="has its time")
