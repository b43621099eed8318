"""The first word on a payment is acted upon unlooked; what PostgreSQL refuses is looked at then."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from nexapay.kernel.prepared import Call, at_commit
from onramp import banks, services
from onramp.events import OnRampSettled
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Answer
from onramp.services import settling as desk
from onramp.services.judging import Asked, Settled
from onramp.services.taken import boldly_then_warily
from tests.factories import available, fund, make_wallet
from tests.onramp.support import message, start, told
from wallet import audit
from wallet import services as wallet_services
from wallet.events import TransferPosted
from wallet.models import Transfer
from wallet.services import Credit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known_bank() -> None:
    """Let the bank have credited somebody before, as nearly always."""
    fund(make_wallet(), 100)
    hear(start())


def hear(*onramps: OnRampTransaction, **data: Any) -> list[Answer]:
    """Record a good success of each, in one batch."""
    return services.record_bank_events(
        bank="simbank", deliveries=told(onramps, **data), now=timezone.now()
    )


def said_to_the_database(*onramps: OnRampTransaction) -> set[str]:
    """Return the statements that it takes to record their successes."""
    with CaptureQueriesContext(connection) as context:
        hear(*onramps)
    said = {query["sql"] for query in context.captured_queries}
    return {sql for sql in said if "SAVEPOINT" not in sql}


class TestTheFirstWord:
    @pytest.mark.parametrize("times", [1, 5])
    def test_takes_the_same_five_statements_for_many_as_for_one(self, times: int) -> None:
        assert len(said_to_the_database(*[start() for _ in range(times)])) == 5

    def test_credits_one_wallet_several_times_and_chains_its_entries(self) -> None:
        wallet = make_wallet()

        said = said_to_the_database(*[start(wallet, 1_000 + n) for n in range(3)])

        assert len(said) == 5
        assert available(wallet) == 3_003
        assert audit.run(clock=timezone.now).findings == []

    def test_is_reckoned_by_us_for_a_wallet_that_is_credited_often(self) -> None:
        wallet = make_wallet()

        hear(*[start(wallet, 1_000) for _ in range(5)])

        assert available(wallet) == 5_000
        assert audit.run(clock=timezone.now).findings == []

    def test_of_a_bank_that_never_credited_anybody_credits(self) -> None:
        onramp = start(bank="lotus")

        [answer] = hear(onramp)

        assert answer.status == 200
        assert available(onramp.wallet) == 50_000

    def test_finds_a_credit_that_is_there_already_and_makes_no_other(self) -> None:
        onramp = start()
        with transaction.atomic():
            known = wallet_services.credit_from_bank(
                bank=banks.name_of(onramp.bank),
                wallet_id=onramp.wallet_id,
                amount_minor=onramp.amount_minor,
                currency=onramp.currency,
                idempotency_key=onramp.public_id,
                note="",
                now=timezone.now(),
            )

        [answer] = hear(onramp)

        onramp.refresh_from_db()
        assert (answer.status, onramp.transfer_id) == (200, known.pk)
        assert available(onramp.wallet) == 50_000

    def test_spoils_nothing_for_others_where_it_is_refused(self) -> None:
        onramps = [start() for _ in range(3)]

        answers = hear(*onramps, bank_reference="BNY-the-same")

        assert [answer.status for answer in answers] == [200, 422, 422]
        assert [available(onramp.wallet) for onramp in onramps] == [50_000, 0, 0]

    def test_under_a_reference_of_another_payment_is_refused_in_words(self) -> None:
        first, second = start(), start()
        hear(first, bank_reference="BNY-taken")

        [answer] = hear(second, bank_reference="BNY-taken")

        assert answer.body["error"] == "reference_taken"
        assert (available(first.wallet), available(second.wallet)) == (50_000, 0)

    def test_sent_again_is_a_copy(self) -> None:
        onramp = start()
        hear(onramp)
        events = BankEvent.objects.count()

        [answer] = hear(onramp)

        assert answer.body == {"status": "success", "duplicate": True}
        assert BankEvent.objects.count() == events


class TestEvents:
    @pytest.mark.parametrize("times", [1, 5])
    def test_are_the_same_however_the_credit_is_posted(
        self, times: int, django_capture_on_commit_callbacks: Any
    ) -> None:
        wallet, heard = make_wallet(), []

        def hear_of(sender: Any, **_: Any) -> None:
            heard.append(sender)

        onramps = [start(wallet) for _ in range(times)]
        OnRampSettled.signal.connect(hear_of)
        TransferPosted.signal.connect(hear_of)
        with django_capture_on_commit_callbacks(execute=True):
            hear(*onramps)

        assert heard == [OnRampSettled] * times


class TestASuccess:
    def test_without_its_credit_is_refused_by_the_database(self) -> None:
        """Guard: onramp_status_fits_its_facts, which all that is done boldly relies on."""
        onramp = start()
        settled = Settled(
            Asked(
                pk=onramp.pk,
                public_id=onramp.public_id,
                token=onramp.token,
                wallet_id=onramp.wallet_id,
                amount_minor=onramp.amount_minor,
                currency=onramp.currency,
                bank="a bank without a wallet",
                status="success",
                bank_reference="BNY-1",
            ),
            banks.read_webhook("simbank", json.dumps(message(onramp)).encode()),  # type: ignore[arg-type]
        )

        with (
            pytest.raises(IntegrityError, match="onramp_status_fits_its_facts"),
            transaction.atomic(),
        ):
            at_commit(*desk.settle([settled], timezone.now(), warily=False))

        onramp.refresh_from_db()
        assert onramp.status == OnRampTransaction.Status.PROCESSING
        assert available(onramp.wallet) == 0


def plainly(credit: Credit) -> list[Call] | None:
    """Return what credits it, and settles nothing with it."""
    return wallet_services.credits_with_commit(
        credits=[credit],
        carried=[()],
        by=wallet_services.credit_statement({}, ""),
        now=timezone.now(),
    )


class TestCreditsWithCommit:
    def test_leave_out_what_is_in_another_currency_than_the_wallet(self) -> None:
        """Guard: the currency in CREDIT."""
        onramp, before = start(), Transfer.objects.count()
        credit = Credit(
            bank=banks.name_of(onramp.bank),
            wallet_id=onramp.wallet_id,
            amount_minor=1,
            currency="USD",
            idempotency_key=onramp.public_id,
        )

        calls = plainly(credit)
        with transaction.atomic():
            at_commit(*calls or [])

        assert calls
        assert Transfer.objects.count() == before

    @pytest.mark.parametrize("other", [{"kind": Transfer.Kind.RETURN}, {"note": "late"}])
    def test_are_plain_onramps_alone(self, other: dict[str, Any]) -> None:
        onramp = start()
        credit = Credit(
            bank=banks.name_of(onramp.bank),
            wallet_id=onramp.wallet_id,
            amount_minor=1,
            currency="INR",
            idempotency_key=onramp.public_id,
            **other,
        )

        assert plainly(credit) is None


class TestBoldness:
    def test_looks_first_the_second_time(self) -> None:
        tries: list[bool] = []

        def act(*, warily: bool) -> str:
            tries.append(warily)
            if not warily:
                raise IntegrityError
            return "done"

        assert boldly_then_warily(act) == "done"
        assert tries == [False, True]
