"""What staff gave away for a payment of nobody counts for whom the bank names later."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, transaction

from onramp import services
from onramp.models import Break, Correction, OnRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, make_staff, propose
from tests.onramp.statements import DAY, LATER, NOON, found, line, listed, reconcile, settled, tell
from tests.onramp.support import start
from tests.threads import behind_us
from wallet import services as wallet_services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
NOBODYS = {"token": "", "reference": "", "bank_reference": "BAN-0001"}


def failed(wallet: Wallet | None = None) -> OnRampTransaction:
    """Return an on-ramp that failed here, and that the bank took money for all the same."""
    onramp = start(wallet, 50_000, now=NOON)
    tell(onramp, "failure")
    return onramp


def given(wallet: Wallet, amount_minor: int = 50_000) -> Break:
    """Give somebody a payment that the bank names nobody for."""
    reconcile(line(**NOBODYS))
    case = Break.objects.get(status="open")
    approve(propose(case, amount_minor, wallet_id=wallet.pk))
    return case


def named(onramp: OnRampTransaction) -> None:
    """Have the bank's newer statement say whose payment it was."""
    reconcile(listed(onramp, bank_reference="BAN-0001"))


def left(case: Break) -> int:
    return services.remaining_minor(break_id=case.pk)


def of(onramp: OnRampTransaction) -> Break:
    return Break.objects.get(onramp=onramp)


def past_the_services(case: Break, wallet: Wallet, amount_minor: int = 1) -> Correction:
    """Write a proposal straight into its table."""
    return Correction.objects.create(
        of=case,
        wallet=wallet,
        settlement=wallet_services.settlement_wallet(bank="Banyan Bank", currency="INR"),
        is_credit=True,
        amount_minor=amount_minor,
        currency="INR",
        reason="Why",
        maker=make_staff(),
        made_at=LATER,
    )


class TestAPaymentGivenToItsOwner:
    def test_matches_once_the_bank_names_them(self) -> None:
        onramp = failed()
        given(onramp.wallet)

        statement = reconcile(listed(onramp, bank_reference="BAN-0001"))

        assert (statement.matched, found(statement)) == (1, [])

    def test_in_part_leaves_the_rest_to_be_corrected(self) -> None:
        onramp = failed()
        given(onramp.wallet, 20_000)

        named(onramp)

        assert left(of(onramp)) == 30_000
        approve(propose(of(onramp), 30_000))
        assert available(onramp.wallet) == 50_000

    def test_stays_matched_when_the_day_is_read_again(self) -> None:
        onramp = failed()
        given(onramp.wallet)
        named(onramp)

        statement = reconcile(listed(onramp, bank_reference="BAN-0001"))

        assert found(statement) == []


class TestAPaymentGivenToSomebodyElse:
    def test_is_not_given_a_second_time(self) -> None:
        onramp = failed()
        given(make_wallet())

        named(onramp)

        assert left(of(onramp)) == 0
        with pytest.raises(services.NotCorrectable, match="given to somebody already"):
            propose(of(onramp))

    def test_is_not_given_a_second_time_whatever_a_program_thinks(self) -> None:
        """Guard: onramp_remaining counts the corrections of its kin."""
        onramp = failed()
        given(make_wallet())
        named(onramp)

        with pytest.raises(DatabaseError, match="more than the difference"), transaction.atomic():
            past_the_services(of(onramp), onramp.wallet)

    def test_is_found_by_the_token_of_a_line_as_well(self) -> None:
        """The bank lists two payments for one on-ramp; the break bears the first's reference."""
        onramp = failed()
        reconcile(listed(onramp, bank_reference="BAN-0000"), line(**NOBODYS), day=DAY, now=LATER)
        approve(propose(Break.objects.get(onramp=None), wallet_id=make_wallet().pk))
        two = [listed(onramp, bank_reference=f"BAN-000{n}") for n in (0, 1)]

        reconcile(*two)

        case = Break.objects.get(onramp=onramp, status="open")
        assert (case.bank_reference, case.theirs_minor, left(case)) == ("BAN-0000", 100_000, 50_000)

    def test_is_taken_back_and_then_given_to_whom_the_bank_names(self) -> None:
        onramp, other = failed(), make_wallet()
        given(other)
        named(onramp)

        wrong = Break.objects.get(kind="missing_there")
        assert (wrong.wallet, left(wrong)) == (other, -50_000)
        approve(propose(wrong))
        assert left(of(onramp)) == 50_000
        approve(propose(of(onramp)))

        assert (available(other), available(onramp.wallet)) == (0, 50_000)
        assert found(reconcile(listed(onramp, bank_reference="BAN-0001"))) == []

    def test_is_taken_back_no_more_than_was_given(self) -> None:
        """Guard: of what the bank lists no more, only what was corrected for itself counts."""
        onramp = failed()
        given(make_wallet(), 20_000)
        named(onramp)
        approve(propose(of(onramp), 30_000))

        assert left(Break.objects.get(kind="missing_there")) == -20_000

    def test_is_taken_back_when_the_bank_lists_it_no_more(self) -> None:
        other = make_wallet()
        given(other)

        statement = reconcile()

        assert found(statement) == [("missing_there", 0, 0)]
        approve(propose(Break.objects.get(status="open")))
        assert (available(other), found(reconcile())) == (0, [])

    def test_stays_given_when_the_bank_lists_it_on_another_day(self) -> None:
        given(make_wallet())
        next_day = NOON + timedelta(days=1)
        reconcile(line(**NOBODYS, booked_at=next_day), day=DAY + timedelta(days=1))

        assert found(reconcile()) == []


class TestAPaymentThatIsNamedNoMore:
    def test_is_given_to_nobody_before_it_was_taken_back(self) -> None:
        onramp = failed()
        reconcile(listed(onramp, bank_reference="BAN-0001"))
        approve(propose(of(onramp)))

        reconcile(line(**NOBODYS))

        wrong, nobodys = Break.objects.filter(status="open").order_by("kind").reverse()
        assert (left(wrong), left(nobodys)) == (-50_000, 0)
        approve(propose(wrong))
        assert left(nobodys) == 50_000


@pytest.mark.django_db(transaction=True)
def test_two_breaks_of_one_payment_are_proposed_one_after_the_other() -> None:
    """Guard: correction_comes_alone locks both. An earlier day's statement names the payment."""
    onramp = failed()
    reconcile(line(**NOBODYS))
    nobodys = Break.objects.get()
    before = NOON - timedelta(days=1)
    reconcile(
        listed(onramp, bank_reference="BAN-0001", booked_at=before), day=DAY - timedelta(days=1)
    )
    assert of(onramp).status == nobodys.status == "open"
    past = partial(past_the_services, of(onramp), onramp.wallet)
    wallet_services.settlement_wallet(bank="Banyan Bank", currency="INR")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            propose(nobodys, wallet_id=make_wallet().pk)
            waiting = behind_us(pool, past)
        with pytest.raises(DatabaseError, match="more than the difference"):
            waiting.result()


def test_a_settled_payment_is_nobody_s_kin_without_a_reference() -> None:
    settled()
    statement = reconcile()

    assert [left(case) for case in Break.objects.filter(statement=statement)] == [-50_000]
