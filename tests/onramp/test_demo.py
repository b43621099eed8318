"""Demo people are made by the real services, and seeding again adds nothing."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Notice, User
from onramp import demo
from onramp.models import OffRampTransaction, OnRampTransaction
from wallet import audit
from wallet.models import Balance, Transfer

pytestmark = pytest.mark.django_db


def test_seeding_twice_makes_months_of_history_once_and_the_books_agree() -> None:
    now = timezone.now()

    demo.seed(now=now, progress=lambda line: None)
    transfers = Transfer.objects.count()
    demo.seed(now=now, progress=lambda line: None)

    assert Transfer.objects.count() == transfers > 200
    assert User.objects.count() == len(demo.PERSONAS)
    assert set(OnRampTransaction.objects.values_list("status", flat=True)) == {
        "processing",
        "success",
        "failure",
    }
    withdrawn = OffRampTransaction.objects.order_by("pk").values_list("status", flat=True)
    assert list(withdrawn) == ["success", "success", "failure"]
    assert (now - Transfer.objects.earliest("happened_at").happened_at).days > 150
    assert Balance.objects.filter(available_minor__gt=0).count() >= 7
    assert audit.run(clock=timezone.now).findings == []


def test_a_seeded_past_is_known_and_mailed_to_nobody() -> None:
    now = timezone.now()

    demo.seed(now=now, progress=lambda line: None)

    assert set(Notice.objects.values_list("mail_status", flat=True)) == {"none"}
    unread = Notice.objects.filter(read_at=None).order_by("-happened_at")
    ananya = unread.filter(user__handle="ananya").values_list("kind", flat=True)
    assert list(ananya) == ["received", "add_failed"]
    assert Notice.objects.count() > 200 > 10 > unread.count()


def test_sign_ins_are_printed_only_where_there_are_any() -> None:
    out = StringIO()

    call_command("seed_demo", "--sign-ins", stdout=out)

    assert out.getvalue() == ""
