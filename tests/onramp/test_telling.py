"""What became of adding money is told once, whatever the bank repeats and whatever breaks."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import notices
from accounts.models import Notice
from onramp import banks, services
from onramp.models import OffRampTransaction, OnRampTransaction
from onramp.services import Delivery, record_bank_events
from tests.factories import make_wallet
from tests.onramp.cases import approve, make_staff, missing_here, missing_there, propose
from tests.onramp.offramps import account, afresh, submitted, withdraw, word
from tests.onramp.support import message, post, start
from tests.wallet.pages import owner

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The end of a process, with all written and not committed."""


def die(event: object) -> None:
    assert Notice.objects.exists()  # Told already, inside the transaction.
    raise Killed


def told(onramp: OnRampTransaction | OffRampTransaction) -> list[tuple[Any, ...]]:
    """Return what its owner was told."""
    found = Notice.objects.filter(user=owner(onramp.wallet)).order_by("pk")
    return list(found.values_list("kind", "amount_minor", "currency", "subject"))


def in_words(onramp: OnRampTransaction | OffRampTransaction) -> list[str]:
    """Return how the newest of it is told: whom the row names, its sentence, and more."""
    newest = Notice.objects.filter(user=owner(onramp.wallet)).latest("pk")
    rows = notices.page(user_id=newest.user_id).rows
    return [rows[0].name, notices.sentence(newest), notices.more(newest)]


class TestAnOnRamp:
    def test_that_the_bank_confirms_again_and_again_is_told_once(self) -> None:
        onramp = start()

        for event_id in ("one", "one", "two"):
            post(message(onramp), event_id=event_id)

        onramp.refresh_from_db()
        assert onramp.transfer is not None
        assert told(onramp) == [("added", 50_000, "INR", onramp.transfer.public_id)]

    def test_that_the_bank_declines_again_and_again_is_told_once(self) -> None:
        onramp = start()

        for event_id in ("one", "one", "two"):
            post(message(onramp, "failure"), event_id=event_id)

        assert told(onramp) == [("add_failed", 50_000, "INR", onramp.public_id)]

    @pytest.mark.parametrize("bank", list(banks.CHOICES))
    def test_that_failed_is_told_with_the_bank_s_name(self, bank: str) -> None:
        onramp = start(bank=bank)

        post(message(onramp, "failure"))

        said = in_words(onramp)
        assert [banks.CHOICES[bank].name in each for each in said] == [True] * 3
        assert "our bank" not in " ".join(said)

    def test_that_failed_before_banks_were_noted_is_still_told(self) -> None:
        onramp = start()
        Notice.objects.create(
            user=owner(onramp.wallet),
            kind="add_failed",
            subject=onramp.public_id,
            amount_minor=50_000,
            currency="INR",
            who="",
            happened_at=timezone.now(),
        )

        assert in_words(onramp) == [
            "Your bank",
            "₹500.00 was not added from your bank",
            "Nothing was added to your wallet: your bank did not confirm it.",
        ]

    def test_that_nobody_finished_is_told_as_not_added(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))

        services.expire_onramp(onramp_id=onramp.pk, now=timezone.now())

        assert told(onramp) == [("add_failed", 50_000, "INR", onramp.public_id)]

    def test_that_is_processing_is_not_told(self) -> None:
        assert told(start()) == []

    def test_that_dies_before_its_commit_is_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))
        monkeypatch.setattr("nexapay.kernel.events.publish", die)

        with pytest.raises(Killed):
            services.expire_onramp(onramp_id=onramp.pk, now=timezone.now())

        assert told(onramp) == []

    def test_is_told_when_the_money_and_the_failure_come_in_one_batch(self) -> None:
        good, bad, other = start(), start(), start()
        said = [message(good), message(bad, "failure"), message(good), message(other)]

        record_bank_events(
            bank="simbank",
            deliveries=[delivery(n, each) for n, each in enumerate(said)],
            now=timezone.now(),
        )

        assert [[kind for kind, *_ in told(each)] for each in (good, bad, other)] == [
            ["added"],
            ["add_failed"],
            ["added"],
        ]

    def test_that_failed_waits_to_be_mailed_to_who_has_an_address(self) -> None:
        onramp = start(make_wallet(email="meera@example.com"))

        post(message(onramp, "failure"))

        assert Notice.objects.get(user=owner(onramp.wallet)).mail_status == "waiting"

    def test_is_told_here_whatever_stands_in_the_way(self) -> None:
        onramp = start()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE accounts_notice (LIKE public.accounts_notice)")
            post(message(onramp, "failure"))
            cursor.execute("DROP TABLE pg_temp.accounts_notice")

        assert len(told(onramp)) == 1


def delivery(number: int, said: dict[str, Any]) -> Delivery:
    return Delivery(f"evt_{number}", json.dumps(said).encode(), {})


class TestAWithdrawal:
    """Its owner's wallet is filled first: the bank's credit is told as well, and left out here."""

    def test_that_the_bank_paid_is_told_with_the_bank_s_name(self) -> None:
        offramp = submitted()

        for event_id in ("one", "one", "two"):
            post(word(offramp), event_id=event_id)

        transfer = afresh(offramp).transfer
        assert transfer
        assert told(offramp)[1:] == [("withdrawn", 30_000, "INR", transfer.public_id)]

    def test_that_failed_is_told_once(self) -> None:
        offramp = submitted()

        for event_id in ("one", "one", "two"):
            post(word(offramp, "failure"), event_id=event_id)

        assert told(offramp)[1:] == [("withdraw_failed", 30_000, "INR", offramp.public_id)]

    def test_that_failed_is_told_with_the_bank_s_name(self) -> None:
        ana = make_wallet(balance_minor=50_000)
        offramp = submitted(ana, to=account(ana, bank="harbour"))

        post(word(offramp, "failure"))

        assert in_words(offramp) == [
            "Harbour Bank",
            "₹300.00 was not withdrawn to Harbour Bank",
            "It did not reach Harbour Bank, and is back in your wallet.",
        ]

    def test_that_failed_is_told_here_whatever_stands_in_the_way(self) -> None:
        offramp = submitted()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE accounts_notice (LIKE public.accounts_notice)")
            post(word(offramp, "failure"))
            cursor.execute("DROP TABLE pg_temp.accounts_notice")

        assert len(told(offramp)) == 2

    def test_that_came_back_is_told_as_such(self) -> None:
        offramp = submitted()

        post(word(offramp))
        post(word(offramp, "returned"))

        assert [kind for kind, *_ in told(offramp)] == ["added", "withdrawn", "returned"]

    def test_that_its_owner_took_back_is_not_told(self) -> None:
        offramp = withdraw()

        services.cancel_withdrawal(
            actor_id=owner(offramp.wallet).pk, offramp_id=offramp.pk, now=timezone.now()
        )

        assert [kind for kind, *_ in told(offramp)] == ["added"]


class TestACorrection:
    def test_that_adds_is_told_to_whose_money_it_is(self) -> None:
        case = missing_here()

        done = approve(propose(case, 20_000))

        assert done.transfer
        found = Notice.objects.filter(kind="corrected_up").values_list("user", "subject", "who")
        assert case.wallet
        assert list(found) == [(case.wallet.owner_id, done.transfer.public_id, "")]

    def test_that_takes_back_is_told_as_such(self) -> None:
        case = missing_there()
        assert case.onramp

        approve(propose(case))

        assert [row[:2] for row in told(case.onramp)][1:] == [("corrected_down", 50_000)]

    def test_is_told_when_it_is_approved_and_not_before(self) -> None:
        case = missing_here()
        services.decline_correction(
            public_id=propose(case).public_id,
            text="No",
            actor_id=make_staff().pk,
            now=timezone.now(),
        )
        proposed = propose(case)

        assert not Notice.objects.filter(kind__startswith="corrected").exists()
        approve(proposed)
        assert Notice.objects.filter(kind__startswith="corrected").count() == 1

    def test_that_is_undone_before_its_commit_is_not_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proposed = propose(missing_here())

        def die(**asked: object) -> int:
            assert Notice.objects.filter(kind="corrected_up").exists()
            raise Killed

        monkeypatch.setattr("onramp.services.cases.remaining_minor", die)
        with pytest.raises(Killed):
            approve(proposed)

        assert not Notice.objects.filter(kind="corrected_up").exists()

    @pytest.mark.parametrize(
        ("email", "status"), [("meera@example.com", "waiting"), (None, "none")]
    )
    def test_waits_to_be_mailed_to_who_has_an_address(self, email: str | None, status: str) -> None:
        approve(propose(missing_here(wallet=make_wallet(email=email))))

        assert Notice.objects.get(kind="corrected_up").mail_status == status

    def test_is_told_here_whatever_stands_in_the_way(self) -> None:
        proposed = propose(missing_here())
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE accounts_notice (LIKE public.accounts_notice)")
            approve(proposed)
            cursor.execute("DROP TABLE pg_temp.accounts_notice")

        assert Notice.objects.filter(kind="corrected_up").count() == 1
