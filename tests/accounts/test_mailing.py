"""Each notice is mailed once, to who wants it, in our words."""

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from accounts import mailing, tasks
from accounts.models import User
from tests.accounts.mails import SENT, WAITING, make_meera, pay, run, statuses
from tests.factories import fund, make_wallet, send
from tests.onramp.support import message, post, start
from tests.wallet.pages import owner
from wallet.models import Wallet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house_sends_mail")]


@pytest.fixture
def meera() -> Wallet:
    return make_meera()


def html_of(sent: mail.EmailMessage) -> str:
    assert isinstance(sent, mail.EmailMultiAlternatives)
    [(html, kind)] = sent.alternatives
    assert kind == "text/html"
    return str(html)


class TestAMail:
    def test_says_what_happened_in_text_and_in_html(self, meera: Wallet) -> None:
        [notice] = pay(meera)

        assert run() == 1

        [sent] = mail.outbox
        assert (sent.to, sent.subject) == (["meera@example.com"], "Ananya Rao sent you ₹1,240.00")
        for text in (str(sent.body), html_of(sent)):
            assert "Hello Meera," in text
            assert "Ananya Rao sent you ₹1,240.00." in text
            assert f"https://pay.example.com/transactions/{notice.subject}/" in text
            assert "https://pay.example.com/settings/" in text

    def test_of_money_from_a_bank_names_the_bank(self, meera: Wallet) -> None:
        fund(meera, 500_000)
        onramp = start(meera, 300_000)
        post(message(onramp, "failure"))

        run()

        assert [each.subject for each in mail.outbox] == [
            "₹5,000.00 added from Banyan Bank",
            "₹3,000.00 was not added from Banyan Bank",
        ]
        assert f"https://pay.example.com/add-money/{onramp.public_id}/" in str(mail.outbox[1].body)

    def test_is_one_line_and_no_markup_whatever_the_payer_is_called(self, meera: Wallet) -> None:
        payer = make_wallet(balance_minor=500)
        name = "<b>{amount}\r\nBcc: eve@example.com"
        User.objects.filter(pk=owner(payer).pk).update(name=name)
        send(payer, meera, 500)

        run()

        [sent] = mail.outbox
        assert sent.subject == "<b>{amount} Bcc: eve@example.com sent you ₹5.00"
        assert "&lt;b&gt;" in html_of(sent)

    def test_has_the_same_id_each_time_and_says_that_a_machine_wrote_it(
        self, meera: Wallet
    ) -> None:
        pay(meera, times=2)

        run()

        ids = [each.extra_headers["Message-ID"] for each in mail.outbox]
        assert len(set(ids)) == 2
        assert all(each.endswith("@pay.example.com>") for each in ids)
        assert mail.outbox[0].extra_headers["Auto-Submitted"] == "auto-generated"

    def test_is_sent_once(self, meera: Wallet) -> None:
        pay(meera, times=2)

        assert [run(), run()] == [2, 0]

        assert len(mail.outbox) == 2
        assert statuses() == [SENT, SENT]

    def test_is_sent_by_the_worker_every_minute(self, meera: Wallet) -> None:
        pay(meera)

        assert tasks.mail_notices(0) == 1

    def test_costs_a_run_at_most_what_it_may(self, meera: Wallet) -> None:
        pay(meera, times=3)

        assert mailing.mail_notices(now=timezone.now(), limit=2) == 2
        assert statuses() == [SENT, SENT, WAITING]

    def test_waits_for_the_next_run_when_this_one_has_been_long(
        self, meera: Wallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay(meera)
        with monkeypatch.context() as patch:
            patch.setattr(mailing, "LONGEST_S", -1)
            assert run() == 0

        assert run() == 1


class TestNobody:
    def test_is_mailed_without_an_address(self) -> None:
        pay(make_wallet())

        assert run() == 0

    @pytest.mark.parametrize(
        "change",
        [{"mail_received": False}, {"is_active": False}, {"email": None}],
        ids=["switched off", "left", "took the address away"],
    )
    def test_is_mailed_who_does_not_want_it_any_more(
        self, meera: Wallet, change: dict[str, object]
    ) -> None:
        pay(meera)
        User.objects.filter(pk=owner(meera).pk).update(**change)

        assert run() == 0

        assert (mail.outbox, statuses()) == ([], [])

    @pytest.mark.parametrize(
        ("switch", "left"),
        [
            (
                "mail_received",
                ["₹1.00 added from Banyan Bank", "₹500.00 was not added from Banyan Bank"],
            ),
            ("mail_added", ["Ana sent you ₹2.00", "₹500.00 was not added from Banyan Bank"]),
            ("mail_other", ["₹1.00 added from Banyan Bank", "Ana sent you ₹2.00"]),
        ],
    )
    def test_hears_by_mail_of_what_they_switched_off(
        self, meera: Wallet, switch: str, left: list[str]
    ) -> None:
        User.objects.filter(pk=owner(meera).pk).update(**{switch: False})
        fund(meera, 100)
        send(make_wallet(name="Ana", balance_minor=200), meera, 200)
        post(message(start(meera), "failure"))

        run()

        assert sorted(each.subject for each in mail.outbox) == sorted(left)

    def test_is_mailed_where_no_mail_is_set_up_nor_once_it_is(
        self, meera: Wallet, settings: Settings
    ) -> None:
        pay(meera, times=2)
        settings.SENDS_MAIL = False
        assert run() == 0
        settings.SENDS_MAIL = True

        assert run() == 0

        assert mail.outbox == []
