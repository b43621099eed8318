"""What people read to one another of a payment tells it from all others of that moment."""

import pytest
from django.utils import timezone

from onramp import services
from tests.onramp.support import start, told
from wallet import selectors
from wallet.models import Transfer

pytestmark = pytest.mark.django_db


class TestCreditsOfOneBatch:
    def test_have_references_of_their_own(self) -> None:
        deliveries = told([start() for _ in range(20)])

        services.record_bank_events(bank="simbank", deliveries=deliveries, now=timezone.now())

        made = Transfer.objects.filter(kind=Transfer.Kind.ONRAMP).values_list(
            "public_id", flat=True
        )
        assert len({selectors.reference(public_id) for public_id in made}) == 20
