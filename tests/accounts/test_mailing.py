"""Each notice is mailed once: whatever the server says, whoever dies, however many workers run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from time import sleep

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts import mailing, tasks
from accounts.models import Notice, User
from tests.accounts.postbox import DROP, REFUSE, TAKE, postbox
from tests.factories import fund, make_wallet, send
from tests.onramp.support import message, post, start
from tests.threads import alone, at_once
from tests.wallet.pages import owner
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
SENT, WAITING, SENDING, FAILED = "sent", "waiting", "sending", "failed"


@pytest.fixture(autouse=True)
def _house_sends_mail(settings: Settings) -> None:
    settings.SENDS_MAIL = True
    settings.SITE_URL = "https://pay.example.com"


@pytest.fixture
def meera() -> Wallet:
    return make_wallet(name="Meera Iyer", email="meera@example.com")


def pay(person: Wallet, times: int = 1) -> list[Notice]:
    """Have the person paid; return the notices."""
    ana = make_wallet(name="Ananya Rao", balance_minor=124_000 * times)
    for _ in range(times):
        send(ana, person, 124_000)
    return list(Notice.objects.filter(user=owner(person)).order_by("pk"))


def run(after: timedelta = timedelta()) -> int:
    return mailing.mail_notices(now=timezone.now() + after)


def statuses() -> list[str]:
    waited = Notice.objects.exclude(mail_status="none").order_by("pk")
    return list(waited.values_list("mail_status", flat=True))


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
            "₹3,000.00 was not added",
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
            ("mail_received", ["₹1.00 added from Banyan Bank", "₹500.00 was not added"]),
            ("mail_added", ["Ana sent you ₹2.00", "₹500.00 was not added"]),
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


class TestARefusal:
    def test_is_tried_again_later_and_later(self, meera: Wallet, settings: Settings) -> None:
        [notice] = pay(meera)
        waits = []
        with postbox(settings, *[REFUSE] * len(mailing.WAITS)) as box:
            for _ in mailing.WAITS:
                now = due(notice)
                assert mailing.mail_notices(now=now) == 0
                waits.append(due(notice) - now)
            assert run() == 0
            assert mailing.mail_notices(now=due(notice)) == 1

        assert waits == mailing.WAITS
        assert (len(box.mails), statuses()) == (1, [SENT])

    def test_is_given_up_after_the_last_and_kept_for_staff(
        self, meera: Wallet, settings: Settings
    ) -> None:
        [notice] = pay(meera)
        with postbox(settings, *[REFUSE] * 99):
            for _ in range(len(mailing.WAITS) + 1):
                mailing.mail_notices(now=due(notice))
            run(timedelta(days=30))

        notice.refresh_from_db()
        assert (notice.mail_status, notice.mail_attempts) == (FAILED, 6)
        assert notice.mail_error == "SMTPDataError 550"
        assert list(mailing.dead(timezone.now())) == [notice]

    def test_keeps_nobody_else_waiting(self, meera: Wallet, settings: Settings) -> None:
        pay(meera, times=4)

        with postbox(settings, TAKE, REFUSE, "421 too many, good bye", TAKE) as box:
            assert run() == 2

        assert (len(box.mails), statuses()) == (2, [SENT, WAITING, WAITING, SENT])

    def test_writes_no_name_and_no_address_into_the_log(
        self, meera: Wallet, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        pay(meera, times=2)

        with postbox(settings, REFUSE, DROP):
            run()

        assert "mail refused" in caplog.text
        assert "mail may have been sent" in caplog.text
        assert not any(word in caplog.text for word in ("meera@", "Meera", "Ananya", "1,240"))


class TestAServerThatIsAway:
    def test_costs_no_attempt(self, meera: Wallet, settings: Settings) -> None:
        [notice] = pay(meera)
        with postbox(settings):
            pass

        assert run() == 0

        notice.refresh_from_db()
        assert (notice.mail_status, notice.mail_attempts) == (WAITING, 0)

    def test_in_the_middle_of_a_mail_leaves_it_to_staff(
        self, meera: Wallet, settings: Settings
    ) -> None:
        """It took the mail, and we never heard: sending it again would send it twice."""
        notices = pay(meera, times=3)

        with postbox(settings, TAKE, DROP) as box:
            assert run() == 1
            assert statuses() == [SENT, SENDING, WAITING]
            assert run(timedelta(days=1)) == 1

        assert len(box.ids) == len(set(box.ids)) == 3
        assert list(mailing.dead(timezone.now() + timedelta(days=1))) == [notices[1]]


class TestAWorker:
    def test_that_is_killed_right_after_sending_leaves_a_mail_that_is_not_sent_again(
        self, meera: Wallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay(meera, times=2)
        with monkeypatch.context() as patch:
            patch.setattr(mailing, "_mark", killed_when_marking_sent(mailing._mark))
            with pytest.raises(Killed):
                run()
        assert (len(mail.outbox), statuses()) == (1, [SENDING, WAITING])

        assert run(timedelta(days=1)) == 1

        assert len({each.extra_headers["Message-ID"] for each in mail.outbox}) == 2
        assert (len(mail.outbox), statuses()) == (2, [SENDING, SENT])

    @pytest.mark.django_db(transaction=True)
    def test_shares_the_work_with_others_and_no_mail_is_sent_twice(
        self, meera: Wallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay(meera, times=40)
        monkeypatch.setattr(mailing, "_is_wanted", slowly(mailing._is_wanted))

        sent = at_once([run] * 4, workers=4)

        assert sum(n for n in sent if isinstance(n, int)) == 40, sent
        assert len({each.extra_headers["Message-ID"] for each in mail.outbox}) == 40
        assert len(mail.outbox) == 40
        assert set(statuses()) == {SENT}

    @pytest.mark.django_db(transaction=True)
    def test_does_not_wait_for_what_another_is_taking(self, meera: Wallet) -> None:
        first, second = pay(meera, times=2)

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            Notice.objects.select_for_update().get(pk=first.pk)
            assert pool.submit(alone, run).result() == 1

        second.refresh_from_db()
        assert second.mail_status == SENT


class TestSendingAgain:
    def test_lets_staff_try_what_was_given_up_and_what_a_worker_left(
        self, meera: Wallet, settings: Settings
    ) -> None:
        notices = pay(meera, times=3)
        long_ago = timezone.now() - timedelta(hours=1)
        become(notices[0], SENDING, FAILED, at=long_ago)
        become(notices[1], SENDING, at=long_ago)
        become(notices[2], SENDING, at=timezone.now())
        ids = [notice.pk for notice in notices]

        assert mailing.send_again(notice_ids=ids, now=timezone.now()) == 2

        assert statuses() == [WAITING, WAITING, SENDING]
        assert run() == 2

    def test_never_sends_what_was_sent(self, meera: Wallet) -> None:
        [notice] = pay(meera)
        run()

        assert mailing.send_again(notice_ids=[notice.pk], now=timezone.now()) == 0


class Killed(BaseException):
    """The end of a process."""


def slowly(is_wanted: Callable[[Notice], bool]) -> Callable[[Notice], bool]:
    """Between looking and taking, so that without a lock two workers would surely meet."""

    def taking_its_time(notice: Notice) -> bool:
        sleep(0.002)
        return is_wanted(notice)

    return taking_its_time


def killed_when_marking_sent(mark: object) -> object:
    def marking(notice: Notice, status: str, **changes: object) -> None:
        if status == SENT:
            raise Killed
        mark(notice, status, **changes)  # type: ignore[operator]

    return marking


def due(notice: Notice) -> datetime:
    notice.refresh_from_db()
    assert notice.mail_at is not None
    return notice.mail_at


def become(notice: Notice, *statuses: str, at: datetime) -> None:
    for status in statuses:
        Notice.objects.filter(pk=notice.pk).update(mail_status=status, mail_at=at)
