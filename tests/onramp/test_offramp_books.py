"""check_ledger agrees with honest withdrawals, and finds each that was tampered with."""

import pytest

from tests.factories import make_wallet
from tests.onramp.offramps import account, problems, submitted, withdraw, word
from tests.onramp.support import post
from tests.wallet.published import as_owner

pytestmark = pytest.mark.django_db
TABLE = "onramp_offramptransaction"


@pytest.fixture(autouse=True)
def _withdrawals() -> None:
    """One at each of its ends but cancelled, and two under way."""
    ana = make_wallet(balance_minor=500_000)
    to = account(ana)
    for kinds in (["success"], ["failure"], ["success", "returned"], []):
        offramp = submitted(ana, to=to)
        for kind in kinds:
            post(word(offramp, kind))
    withdraw(ana, to=to)


def test_agrees_with_every_end() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (f"UPDATE {TABLE} SET amount_minor = 1", "its hold is not of its wallet and amount"),
        (
            f"UPDATE {TABLE} SET status = 'success' WHERE status = 'submitted'",
            "its hold did not end as it did: success",
        ),
        (
            "UPDATE wallet_hold SET released_minor = 1 WHERE status = 'open'",
            "its hold did not end as it did",
        ),
        (f"UPDATE {TABLE} SET transfer_id = NULL", "is success with a payout that should not"),
        (f"UPDATE {TABLE} SET transfer_id = NULL", "a payout that no off-ramp asked for"),
        (f"UPDATE {TABLE} SET return_transfer_id = NULL", "is returned with a return that should"),
        (f"UPDATE {TABLE} SET return_transfer_id = NULL", "a return that no off-ramp knows of"),
        (
            f"UPDATE {TABLE} SET transfer_id = (SELECT max(id) FROM wallet_transfer)"
            " WHERE status = 'success'",
            "was paid out with other terms",
        ),
        (
            f"UPDATE {TABLE} SET return_transfer_id = (SELECT max(id) FROM wallet_transfer)"
            " WHERE status = 'returned'",
            "was returned with other terms",
        ),
    ],
)
def test_finds(statement: str, problem: str) -> None:
    as_owner(f"ALTER TABLE {TABLE} DROP CONSTRAINT offramp_status_fits_its_facts", statement)

    assert problem in "\n".join(problems())
