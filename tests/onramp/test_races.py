"""Many at once, with real threads and connections. Each test fails without the guard it names."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.utils import timezone

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.support import codes, deliver, message, start
from tests.threads import at_once
from wallet import audit
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 25


def settled(onramp: OnRampTransaction) -> OnRampTransaction:
    """Return the on-ramp as it ended, once money and status are seen to agree."""
    onramp.refresh_from_db()
    credited = onramp.amount_minor if onramp.status == "success" else 0
    assert available(onramp.wallet) == credited
    assert audit.run(clock=timezone.now).findings == []
    return onramp


class TestCopies:
    def test_of_one_event_credit_once_though_a_hundred_come_at_once(self) -> None:
        """Guard: bank_event_once, which makes the copies wait for the first."""
        onramp = start()
        said = message(onramp)

        outcomes = at_once([partial(deliver, said, event_id="evt_1")] * 100, workers=WORKERS)

        assert codes(outcomes) == [200] * 100
        answers = [o.content for o in outcomes if isinstance(o, HttpResponse)]
        assert answers.count(b'{"status": "success"}') == 1
        assert settled(onramp).status == "success"
        assert (BankEvent.objects.count(), Transfer.objects.count()) == (1, 1)

    def test_under_a_hundred_ids_credit_once(self) -> None:
        """Guard: the on-ramp's row is locked before it is judged."""
        onramp = start()

        outcomes = at_once([partial(deliver, message(onramp))] * 100, workers=WORKERS)

        assert codes(outcomes) == [200] * 100
        assert settled(onramp).status == "success"
        assert BankEvent.objects.filter(status="processed").count() == 1
        assert BankEvent.objects.filter(status="ignored").count() == 99

    def test_of_one_id_with_two_bodies_are_all_kept_once(self) -> None:
        """Guard: the second body is stored beside the first, unique by its digest."""
        onramp, other = start(), start()
        bodies = [message(onramp), message(other)] * 20

        outcomes = at_once(
            [partial(deliver, said, event_id="evt_1") for said in bodies], workers=WORKERS
        )

        assert codes(outcomes) == [200] * 20 + [422] * 20
        assert BankEvent.objects.count() == 2
        assert available(onramp.wallet) + available(other.wallet) == 50_000


class TestContradictions:
    def test_of_success_and_failure_at_once_settle_one_way(self) -> None:
        """Guard: the on-ramp's row is locked before it is judged."""
        onramp = start()
        acts = [partial(deliver, message(onramp, kind)) for kind in ["success", "failure"] * 20]

        outcomes = at_once(acts, workers=WORKERS)

        assert codes(outcomes) == [200] * 20 + [409] * 20
        assert settled(onramp).status in {"success", "failure"}

    def test_of_success_and_expiry_at_once_settle_one_way(self) -> None:
        """Guard: expiry looks again at a row it waited for, and an event sees what expired."""
        yesterday = timezone.now() - timedelta(days=1)
        onramps = [start(now=yesterday) for _ in range(12)]
        expiring = [
            partial(services.expire_onramp, onramp_id=o.pk, now=timezone.now()) for o in onramps
        ]
        telling = [partial(deliver, message(o)) for o in onramps]
        acts: list[Callable[[], HttpResponse | bool]] = [
            act for pair in zip(telling, expiring, strict=True) for act in pair
        ]

        outcomes = at_once(acts, workers=12)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert {settled(onramp).status for onramp in onramps} <= {"success", "failure"}

    def test_of_one_reference_for_two_onramps_pay_one(self) -> None:
        """Guard: onramp_reference_once_per_bank, and the second look when it refuses."""
        onramps = [start() for _ in range(10)]

        outcomes = at_once(
            [partial(deliver, message(onramp, bank_reference="BNY-1")) for onramp in onramps],
            workers=10,
        )

        assert codes(outcomes) == [200] + [422] * 9
        assert sum(available(onramp.wallet) for onramp in onramps) == 50_000
        assert BankEvent.objects.filter(verdict="reference_taken").count() == 9


class TestADoubleClick:
    def test_asks_the_bank_once(self) -> None:
        """Guard: onramp_key_once_per_wallet."""
        wallet, key = make_wallet(), uuid4()

        outcomes = at_once([partial(start, wallet, idempotency_key=key)] * 20)

        assert {o.pk if isinstance(o, OnRampTransaction) else o for o in outcomes} == {
            OnRampTransaction.objects.get().pk
        }


class TestDifferentPeople:
    def test_are_credited_side_by_side(self) -> None:
        """Guard: no row is common to two people's on-ramps, not even the bank's first wallet."""
        onramps = [start() for _ in range(25)]

        outcomes = at_once([partial(deliver, message(o)) for o in onramps], workers=WORKERS)

        assert codes(outcomes) == [200] * 25
        assert {settled(onramp).status for onramp in onramps} == {"success"}
        assert Wallet.objects.filter(kind="settlement").count() == 1
