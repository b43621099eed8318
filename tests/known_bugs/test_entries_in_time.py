"""Entries stamped with the time their transaction began are older than the ones before them."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import transaction

from onramp.models import OnRampTransaction
from tests.factories import available, make_wallet, send
from tests.onramp.support import message, post, start
from tests.threads import alone, behind_us
from wallet.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)


class TestEntries:
    def test_are_stamped_in_the_order_they_were_made(self) -> None:
        """A webhook's transaction begins and has to wait; a payment overtakes it meanwhile."""
        ben, onramp = make_wallet(balance_minor=100), start(amount_minor=50_000)

        with ThreadPoolExecutor(2) as pool:
            with transaction.atomic():
                OnRampTransaction.objects.select_for_update().get(pk=onramp.pk)
                credit = behind_us(pool, partial(post, message(onramp)))
                pool.submit(alone, partial(send, ben, onramp.wallet, 100)).result()
            assert credit.result().status_code == 200

        made = Entry.objects.filter(wallet=onramp.wallet).order_by("version")
        stamps = list(made.values_list("created_at", flat=True))
        assert available(onramp.wallet) == 50_100
        assert len(stamps) == 2
        assert stamps == sorted(stamps)
