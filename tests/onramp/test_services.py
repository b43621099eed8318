"""Acts and reads around on-ramps, one at a time."""

from datetime import date, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from django.utils import timezone

from nexapay.kernel.postgresql.base import DatabaseWrapper
from onramp import banks, history, selectors, services
from onramp.events import OnRampFailed, OnRampSettled
from onramp.models import OnRampTransaction
from tests.factories import fund, make_wallet
from tests.onramp.support import message, post, start
from wallet.models import Wallet
from wallet.selectors import Filters, Row, page

pytestmark = pytest.mark.django_db


class TestStartOnramp:
    def test_moves_no_money_and_waits_for_the_bank(self) -> None:
        onramp = start(amount_minor=50_000)

        assert (onramp.status, onramp.transfer) == ("processing", None)
        assert len(onramp.token) == 43

    def test_makes_a_token_nobody_can_guess(self) -> None:
        assert len({start().token for _ in range(10)}) == 10

    @pytest.mark.parametrize("amount_minor", [0, -5, 999, 10_000_001, 10**30])
    def test_refuses_an_amount_out_of_range(self, amount_minor: int) -> None:
        with pytest.raises(services.AmountOutOfRange, match=r"from ₹10\.00 to ₹1,00,000\.00"):
            start(amount_minor=amount_minor)

    def test_refuses_a_bank_we_do_not_have(self) -> None:
        with pytest.raises(services.UnknownBank):
            start(bank="hsbc")

    def test_refuses_a_wallet_of_somebody_else(self) -> None:
        ana, ben = make_wallet(), make_wallet()

        with pytest.raises(Wallet.DoesNotExist):
            start(ana, actor_id=ben.owner_id)

    def test_answers_the_same_key_with_the_first(self) -> None:
        wallet, key = make_wallet(), uuid4()

        assert start(wallet, idempotency_key=key) == start(wallet, idempotency_key=key)

    @pytest.mark.parametrize("other", [{"amount_minor": 60_000}, {"bank": "lotus"}])
    def test_refuses_the_same_key_with_other_inputs(self, other: dict[str, Any]) -> None:
        wallet, key = make_wallet(), uuid4()
        start(wallet, idempotency_key=key)

        with pytest.raises(services.AlreadyUsed):
            start(wallet, idempotency_key=key, **other)

    def test_lets_two_people_use_the_same_key(self) -> None:
        key = uuid4()

        assert start(idempotency_key=key) != start(idempotency_key=key)

    def test_allows_a_wallet_that_only_cannot_pay(self) -> None:
        wallet = make_wallet()
        Wallet.objects.filter(pk=wallet.pk).update(status=Wallet.Status.DEBIT_FROZEN)

        assert start(wallet).is_processing


class TestExpiry:
    def test_ends_what_is_overdue_once_and_nothing_else(self) -> None:
        now = timezone.now()
        old, young = start(now=now - timedelta(days=1)), start(now=now)

        done = [services.expire_onramp(onramp_id=o.pk, now=now) for o in (old, old, young)]

        assert done == [True, False, False]
        statuses = dict(OnRampTransaction.objects.values_list("pk", "status"))
        assert statuses == {old.pk: "failure", young.pk: "processing"}


class TestEvents:
    def test_are_published_once_after_commit(self, django_capture_on_commit_callbacks: Any) -> None:
        heard: list[Any] = []

        def hear(event: Any, **_: Any) -> None:
            heard.append(event)

        paid, declined = start(), start()
        OnRampSettled.signal.connect(hear)
        OnRampFailed.signal.connect(hear)
        with django_capture_on_commit_callbacks(execute=True):
            for onramp, kind in [(paid, "success"), (declined, "failure"), (paid, "success")]:
                post(message(onramp, kind))

        assert heard == [OnRampSettled(onramp_id=paid.pk), OnRampFailed(onramp_id=declined.pk)]


class TestActivity:
    def rows(self, wallet: Wallet, **filters: Any) -> list[Row]:
        return list(page(wallet_id=wallet.pk, filters=Filters(**filters), size=10).rows)

    def test_shows_what_is_processing_and_failed_beside_the_movements(self) -> None:
        wallet = make_wallet(balance_minor=70_000)
        failed, waiting = start(wallet, bank="lotus"), start(wallet, bank="harbour")
        post(message(failed, "failure"))

        rows = [(row.name, row.status, row.url) for row in self.rows(wallet)]

        assert rows[0] == ("Harbour Bank", "processing", f"/add-money/{waiting.public_id}/")
        assert rows[1] == ("Lotus Savings", "failed", f"/add-money/{failed.public_id}/")
        assert rows[2][:2] == ("Banyan Bank", "complete")
        assert len(rows) == 3

    def test_shows_a_success_once_as_its_movement(self) -> None:
        onramp = start()
        post(message(onramp))

        assert [row.status for row in self.rows(onramp.wallet)] == ["complete"]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"status": "processing"}, ["processing"]),
            ({"status": "failed"}, ["failed"]),
            ({"status": "complete"}, ["complete"]),
            ({"kind": "send"}, []),
            ({"direction": "out"}, []),
            ({"q": "lotus"}, ["failed"]),
            ({"q": "nobody"}, []),
            ({"from_on": timezone.localdate() + timedelta(days=1)}, []),
            ({"to_on": timezone.localdate() - timedelta(days=1)}, []),
        ],
    )
    def test_obeys_the_filters(self, filters: dict[str, Any], expected: list[str]) -> None:
        wallet = make_wallet(balance_minor=10_000)
        post(message(start(wallet, bank="lotus"), "failure"))
        start(wallet, bank="harbour")

        assert [row.status for row in self.rows(wallet, **filters)] == expected

    def test_finds_an_onramp_by_its_reference(self) -> None:
        wallet = make_wallet()
        wanted, _other = start(wallet), start(wallet)

        assert [row.uid for row in self.rows(wallet, q=wanted.reference)] == [wanted.public_id]

    @pytest.mark.parametrize("filters", [Filters(), Filters(from_on=date(2000, 1, 1))])
    def test_pages_through_rows_of_one_instant_without_loss(self, filters: Filters) -> None:
        wallet, now = make_wallet(), timezone.now()
        for number in range(7):
            if number % 2:
                start(wallet, now=now)
            else:
                fund(wallet, 1_000, at=now)
        seen, cursor = [], ""
        while True:
            found = page(wallet_id=wallet.pk, filters=filters, cursor=cursor, size=2)
            seen += [row.uid for row in found.rows]
            if not (cursor := found.next_cursor):
                break

        assert (len(seen), len(set(seen))) == (7, 7)

    def test_is_read_from_its_index_by_one_plan_for_all_wallets(self) -> None:
        wallet = make_wallet()
        query, values = history.Unfinished().ask(wallet.pk, (timezone.now(), 2**62), 5)
        asked = query.message(values, cast(DatabaseWrapper, connections["default"]))
        given = ", ".join(f"'{value}'" for value in asked.values)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE unfinished AS {asked.statement.command.decode()}")
            cursor.execute(f"EXPLAIN EXECUTE unfinished ({given})")
            plan = str(cursor.fetchall())

        assert "onramp_unfinished_recent" in plan


class TestTheBankWeUse:
    def test_is_one_that_we_have(self, settings: Any) -> None:
        settings.BANK = "foo"

        with pytest.raises(ImproperlyConfigured, match="it must be simbank or razorpay"):
            banks.get_bank()

    def test_needs_secrets_that_are_base64(self, settings: Any) -> None:
        settings.BANK_WEBHOOK_SECRETS = ["whsec_" + "A" * 33]

        with pytest.raises(ImproperlyConfigured, match="BANK_WEBHOOK_SECRET"):
            banks.get_bank()

    def test_keeps_the_name_of_a_bank_that_left(self) -> None:
        assert banks.name_of("banyan") == "Banyan Bank"
        assert banks.name_of("gone") == "gone"


class TestSelectors:
    def test_count_for_the_books_page(self) -> None:
        post(message(start(amount_minor=5_000)))
        post(message(start(), amount_minor=1))

        tallies = {
            (t.status, t.count, t.amount_minor) for t in selectors.by_status(OnRampTransaction)
        }

        assert tallies == {("success", 1, 5_000), ("processing", 1, 50_000)}
        assert selectors.quarantined_by_verdict() == [
            ("terms_differ", "Amount or currency differs", 1)
        ]
