"""Each notice is mailed once: whatever the server says, whoever dies, however many workers run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts import mailing
from accounts.models import Notice
from tests.accounts.mails import (
    FAILED,
    SENDING,
    SENT,
    WAITING,
    become,
    due,
    make_meera,
    pay,
    run,
    statuses,
)
from tests.accounts.postbox import DROP, HANG_UP, LEAVE, REFUSE, TAKE, postbox
from tests.threads import alone, at_once
from wallet.models import Wallet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house_sends_mail")]


@pytest.fixture
def meera() -> Wallet:
    return make_meera()


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


class TestASilentConnection:
    @pytest.mark.parametrize("goodbye", [HANG_UP, LEAVE])
    def test_that_the_server_gave_up_costs_no_mail(
        self, meera: Wallet, settings: Settings, goodbye: str
    ) -> None:
        pay(meera, times=3)

        with postbox(settings, goodbye, goodbye, TAKE) as box:
            assert run() == 3

        assert (len(set(box.ids)), len(box.ids), statuses()) == (3, 3, [SENT] * 3)

    def test_that_the_server_keeps_is_used_again(self, meera: Wallet, settings: Settings) -> None:
        pay(meera, times=3)

        with postbox(settings) as box:
            assert run() == 3

        assert box.connections == 1


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
