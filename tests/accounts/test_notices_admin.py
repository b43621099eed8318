"""Staff see what became of each mail, and may have one sent again; they change nothing else."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import Notice
from tests.factories import make_user, make_wallet, send
from tests.wallet.pages import owner

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/notice/"
AGAIN = {"action": "send_again"}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("Staff", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def failed() -> Notice:
    """Of a payment, whose mail was given up."""
    meera = make_wallet(name="Meera Iyer", email="meera@example.com")
    send(make_wallet(balance_minor=900), meera, 250)
    notice = Notice.objects.get(user=owner(meera))
    for status in ("sending", "failed"):
        found = Notice.objects.filter(pk=notice.pk)
        found.update(mail_status=status, mail_at=timezone.now(), mail_error="SMTPDataError 550")
    return notice


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


class TestStaff:
    def test_find_the_mails_that_failed(self, staff: Client, failed: Notice) -> None:
        send(make_wallet(balance_minor=900), make_wallet(), 300)

        page = text(staff, f"{LIST}?mail_status__exact=failed")

        assert "SMTPDataError 550" in page
        assert "₹2.50" in page
        assert "₹3.00" not in page

    def test_see_one_and_change_nothing(self, staff: Client, failed: Notice) -> None:
        page = text(staff, f"{LIST}{failed.pk}/change/")

        assert "Meera Iyer" in page
        assert 'name="_save"' not in page
        assert staff.get(f"{LIST}add/").status_code == 403
        assert staff.post(f"{LIST}{failed.pk}/delete/").status_code == 403

    def test_have_one_sent_again(self, staff: Client, failed: Notice) -> None:
        staff.post(LIST, {**AGAIN, "_selected_action": [failed.pk]})

        failed.refresh_from_db()
        assert failed.mail_status == "waiting"
        assert "1 of 1 mails wait to be sent again." in text(staff, LIST)

    def test_who_may_only_look_send_nothing_again(self, client: Client, failed: Notice) -> None:
        looker = make_user("Looker", is_staff=True)
        looker.user_permissions.add(Permission.objects.get(codename="view_notice"))
        client.force_login(looker)

        assert "send_again" not in text(client, LIST)
        client.post(LIST, {**AGAIN, "_selected_action": [failed.pk]})

        failed.refresh_from_db()
        assert failed.mail_status == "failed"

    def test_are_shown_the_dead_among_the_books(self, staff: Client, failed: Notice) -> None:
        page = text(staff, "/admin/books/")

        assert "Mails that were not sent" in page
        assert "mail_status__exact=failed" in page

    def test_are_not_asked_about_mails_that_are_on_their_way(
        self, staff: Client, failed: Notice
    ) -> None:
        soon = timezone.now() + timedelta(minutes=1)
        Notice.objects.filter(pk=failed.pk).update(mail_status="waiting", mail_at=soon)

        assert "mail_status__exact" not in text(staff, "/admin/books/")
