"""A correction by staff is mailed to whose money it is: in our words, once, if they want it."""

import pytest
from django.core import mail
from django.utils import timezone

from accounts import mailing, services
from accounts.models import Notice
from tests.accounts.mails import make_meera
from tests.onramp.cases import approve, missing_here, propose
from tests.wallet.pages import owner, sign_in
from wallet.models import Wallet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house_sends_mail")]


@pytest.fixture
def meera() -> Wallet:
    return make_meera()


def corrected(wallet: Wallet) -> Notice:
    approve(propose(missing_here(wallet=wallet)))
    Notice.objects.filter(kind="add_failed").update(mail_status="none", mail_at=None)
    return Notice.objects.get(kind="corrected_up")


def test_it_is_mailed_once_and_leads_to_its_receipt(meera: Wallet) -> None:
    notice = corrected(meera)

    sent = [mailing.mail_notices(now=timezone.now()) for _ in range(2)]

    assert sent == [1, 0]
    [one] = mail.outbox
    assert one.subject == "We added ₹500.00 to put a mistake right"
    assert f"/transactions/{notice.subject}/" in str(one.body)
    assert sign_in(meera).get(f"/transactions/{notice.subject}/").status_code == 200


def test_it_is_not_mailed_to_who_switched_such_notices_off(meera: Wallet) -> None:
    services.change_mail(user_id=owner(meera).pk, received=True, added=True, other=False)
    notice = corrected(meera)

    assert mailing.mail_notices(now=timezone.now()) == 0
    notice.refresh_from_db()
    assert (mail.outbox, notice.mail_status) == ([], "none")


def test_it_is_on_the_page_of_notices(meera: Wallet) -> None:
    corrected(meera)

    page = sign_in(meera).get("/notices/").content.decode()

    assert "Correction by NexaPay" in page
    assert "+₹500.00" in page
