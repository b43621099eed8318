"""
Apache Fineract FINERACT-2485: a key used again got the first answer, whatever was asked with it
and whoever asked.
"""

from functools import partial
from typing import cast
from uuid import uuid4

import pytest
from django.http import HttpResponse

from onramp.models import OnRampTransaction
from tests.factories import available, make_wallet
from tests.known_bugs.support import confirm
from tests.onramp.pages import ask
from tests.onramp.support import codes
from tests.threads import at_once
from tests.wallet.pages import sign_in
from tests.wallet.sending import text_of
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db
SAID = "This was already sent with other details."


def sent_by(wallet: Wallet) -> list[tuple[int, int]]:
    """Return whom the wallet paid, and how much."""
    return list(Transfer.objects.filter(source=wallet).values_list("target_id", "amount_minor"))


class TestAKeyUsedAgain:
    def test_with_another_amount_is_refused(self) -> None:
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        confirm(ana, ben, 100, key=key)

        answer = confirm(ana, ben, 250, key=key)

        assert answer.status_code == 422
        assert SAID in text_of(answer)
        assert sent_by(ana) == [(ben.pk, 100)]

    def test_for_another_payee_is_refused(self) -> None:
        ana, ben, cem = make_wallet(balance_minor=1_000), make_wallet(), make_wallet()
        key = uuid4()
        confirm(ana, ben, 100, key=key)

        answer = confirm(ana, cem, 100, key=key)

        assert answer.status_code == 422
        assert SAID in text_of(answer)
        assert sent_by(ana) == [(ben.pk, 100)]

    def test_by_somebody_else_is_their_own(self) -> None:
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        cem = make_wallet(balance_minor=1_000)
        first = confirm(ana, ben, 100, key=key)

        theirs = confirm(cem, ben, 100, key=key)

        assert theirs.status_code == 303
        assert theirs["Location"] != first["Location"]
        assert sign_in(cem).get(first["Location"]).status_code == 404
        assert (sent_by(ana), sent_by(cem)) == ([(ben.pk, 100)], [(ben.pk, 100)])

    @pytest.mark.django_db(transaction=True)
    def test_with_two_amounts_at_once_moves_one_of_them(self) -> None:
        ana, ben, key = make_wallet(balance_minor=1_000), make_wallet(), uuid4()
        acts = [partial(confirm, ana, ben, amount, key=key) for amount in (100, 250)]

        outcomes = at_once(acts)

        assert codes(outcomes) == [303, 422]
        [(_, amount_minor)] = sent_by(ana)
        assert available(ana) == 1_000 - amount_minor

    def test_to_add_another_amount_is_refused(self) -> None:
        browser, key = sign_in(make_wallet()), str(uuid4())
        ask(browser, amount="500", idempotency_key=key)

        answer = ask(browser, amount="900", idempotency_key=key)

        assert answer.status_code == 422
        assert "You already asked for another amount or bank" in text_of(answer)
        assert OnRampTransaction.objects.get().amount_minor == 50_000

    def test_by_somebody_else_adds_their_own(self) -> None:
        ana, cem, key = make_wallet(), make_wallet(), str(uuid4())
        ask(sign_in(ana), amount="500", idempotency_key=key)

        theirs = ask(sign_in(cem), amount="500", idempotency_key=key)

        onramp = OnRampTransaction.objects.get(wallet=cem)
        assert theirs["Location"] == f"/add-money/{onramp.public_id}/"
        page = cast(HttpResponse, sign_in(ana).get(theirs["Location"]))
        assert page.status_code == 404
