"""
What the database refuses of breaks and corrections by itself, straight in SQL.

A rule of the guards' functions is an IF; each is proved by taking it away: then the act goes
through. So no test here can pass idly.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from onramp.models import Break, Correction
from tests.factories import make_wallet
from tests.onramp.cases import approve, make_staff, missing_here, missing_there, propose, unknown
from tests.onramp.statements import LATER, line, listed, reconcile, settled
from tests.onramp.support import refuses, start
from wallet import services as wallet_services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
CORRECTION, BREAK = "onramp_correction", "onramp_break"


@contextmanager
def without(function: str, says: str) -> Iterator[None]:
    """Take away the rule of a function that says so, until the end of the block."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [function])
        [body] = cursor.fetchone()
        rule = re.compile(
            rf"  IF (?:(?!\n  IF ).)*?THEN\n    RAISE '{re.escape(says)}.*?END IF;", re.S
        )
        weaker, found = rule.subn("", body)
        assert found == 1, body
        cursor.execute(weaker)
        yield
        transaction.set_rollback(True)


def proposal(case: Break, **changes: Any) -> Correction:
    """Return a proposal of the whole difference that is not written yet, past the services."""
    bank = wallet_services.settlement_wallet(bank="Banyan Bank", currency=case.currency)
    fields = {
        "of": case,
        "wallet": case.wallet,
        "settlement": bank,
        "is_credit": case.difference_minor > 0,
        "amount_minor": abs(case.difference_minor),
        "currency": case.currency,
        "reason": "Why",
        "maker": make_staff(),
        "made_at": LATER,
    }
    return Correction(**fields | changes)


def is_refused(correction: Correction, *, says: str) -> None:
    """Show that writing it is refused by that rule, and by no other."""
    said = says.replace("''", "'")
    with pytest.raises(DatabaseError, match=said), transaction.atomic():
        correction.save()
    with without("onramp_propose_correction", says):
        correction.save()


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


class TestProposing:
    def test_is_honest_as_it_stands(self) -> None:
        proposal(missing_here()).save()
        proposal(missing_there()).save()

    def test_begins_as_proposed(self) -> None:
        made = proposal(missing_here())
        made.status, made.decided_by, made.decided_at = "declined", make_staff(), LATER

        is_refused(made, says="a correction begins as proposed")

    def test_is_of_an_open_break(self) -> None:
        onramp = settled()
        reconcile()
        case = Break.objects.get()
        reconcile(listed(onramp))

        is_refused(proposal(case), says="a correction of a break that is not open")

    def test_is_of_what_an_amount_can_correct(self) -> None:
        said = listed(settled())
        reconcile(said, said)
        [case] = Break.objects.all()
        approve_none = proposal(case, amount_minor=50_000, is_credit=True)

        is_refused(approve_none, says="a correction of what no amount can correct")

    def test_is_in_the_break_s_currency(self) -> None:
        case = missing_here()
        assert case.wallet
        assert case.wallet.owner_id
        euros = wallet_services.open_wallet(
            owner_id=case.wallet.owner_id, name="Euros", currency="EUR"
        )
        bank = wallet_services.settlement_wallet(bank="Banyan Bank", currency="EUR")
        made = proposal(case, currency="EUR", wallet=euros, settlement=bank)

        with pytest.raises(DatabaseError, match="no amount can correct"), transaction.atomic():
            made.save()

    def test_is_of_the_wallet_it_happened_to(self) -> None:
        made = proposal(missing_here(), wallet=make_wallet())

        is_refused(made, says="a correction of another person''s wallet")

    @pytest.mark.parametrize("kind", ["settlement", "own"])
    def test_is_of_a_person_s_wallet_and_not_of_the_maker_s(self, kind: str) -> None:
        case, maker = unknown(), make_staff()
        bank = wallet_services.settlement_wallet(bank="Lotus Savings", currency="INR")
        own = Wallet.objects.get(owner=maker)
        made = proposal(case, wallet=own if kind == "own" else bank, maker=maker)

        is_refused(made, says="a correction of no person''s wallet")

    def test_is_against_a_bank_s_side(self) -> None:
        made = proposal(missing_here(), settlement=make_wallet())

        is_refused(made, says="a correction against what is no bank''s side")

    def test_is_not_of_what_the_bank_may_still_settle(self) -> None:
        onramp = start(now=LATER)
        case = missing_here()
        execute(f"DROP TRIGGER break_keeps_its_facts ON {BREAK}")
        Break.objects.filter(pk=case.pk).update(onramp=onramp)
        case.refresh_from_db()

        is_refused(proposal(case), says="a correction of what the bank may still settle")

    @pytest.mark.parametrize(
        "changes", [{"amount_minor": 50_001}, {"is_credit": False}, {"amount_minor": 10**15}]
    )
    def test_is_of_no_more_than_the_difference(self, changes: dict[str, Any]) -> None:
        made = proposal(missing_here(), **changes)

        is_refused(made, says="a correction of more than the difference")

    def test_counts_what_was_corrected_before(self) -> None:
        case = missing_here()
        approve(propose(case, 20_000))

        is_refused(
            proposal(case, amount_minor=30_001), says="a correction of more than the difference"
        )

    def test_is_one_at_a_time(self) -> None:
        case = missing_here()
        proposal(case, amount_minor=1).save()

        with pytest.raises(DatabaseError, match="correction_proposed_once"), transaction.atomic():
            proposal(case, amount_minor=1).save()

    @pytest.mark.parametrize("changes", [{"reason": ""}, {"amount_minor": 0}])
    def test_says_how_much_and_why(self, changes: dict[str, Any]) -> None:
        made = proposal(missing_here(), **changes)
        says = "correction_says_why|correction_amount_positive"

        with pytest.raises(DatabaseError, match=says), transaction.atomic():
            made.save()


class TestABreak:
    @pytest.mark.parametrize(
        "change",
        [
            "theirs_minor = 1",
            "ours_minor = 1",
            "kind = 'differs'",
            "subject = 'line:x'",
            "wallet_id = NULL",
            "onramp_id = NULL",
            "key = 'x'",
            "found_at = now()",
        ],
    )
    def test_keeps_its_facts(self, change: str) -> None:
        missing_here()

        refuses(f"UPDATE {BREAK} SET {change}", says="its facts never change")

    def test_is_corrected_to_nothing(self) -> None:
        case = missing_here()
        approve(propose(case, 20_000))
        sql, says = f"UPDATE {BREAK} SET status = 'corrected'", "a break is closed as corrected"

        refuses(sql, says=says)
        with without("onramp_correct_break", says):
            execute(sql)

    def test_is_explained_by_somebody(self) -> None:
        missing_here()
        sql, says = (
            f"UPDATE {BREAK} SET status = 'explained'",
            "a break is closed by an explanation",
        )

        refuses(sql, says=says)
        with without("onramp_explain_break", says):
            execute(sql)

    @pytest.mark.parametrize("status", ["explained", "corrected"])
    def test_is_closed_from_open_alone(self, status: str) -> None:
        onramp = settled()
        reconcile()
        reconcile(listed(onramp))
        execute(f"DROP TRIGGER break_is_corrected_to_nothing ON {BREAK}")
        execute(f"DROP TRIGGER break_is_explained_by_somebody ON {BREAK}")

        refuses(f"UPDATE {BREAK} SET status = %s", status, says="it is closed from open")

    def test_begins_as_open(self) -> None:
        case = missing_here()
        case.pk, case.public_id, case.key, case.status = None, uuid4(), "other", "cleared"

        with pytest.raises(DatabaseError, match="begins as open"), transaction.atomic():
            case.save(force_insert=True)
        with without("onramp_begin_break", "a break begins as open"):
            case.save(force_insert=True)

    @pytest.mark.parametrize("verb", ["DELETE FROM", "TRUNCATE"])
    @pytest.mark.parametrize(
        "table", [BREAK, "onramp_breakact", "onramp_statement", "onramp_statementline"]
    )
    def test_is_kept_with_all_it_came_from(self, verb: str, table: str) -> None:
        missing_here()
        connection.check_constraints()

        cascade = " CASCADE" if verb == "TRUNCATE" else ""
        refuses(f"{verb} {table}{cascade}", says="is refused")

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ("onramp_breakact SET text = 'x'", "only ever added"),
            ("onramp_statementline SET amount_minor = 1", "stays as it came"),
            ("onramp_statement SET sha256 = ''", "never changes"),
            ("onramp_statement SET matched = 7", "statement_counts_each_line_once"),
        ],
    )
    def test_stands_on_what_stays(self, change: str, says: str) -> None:
        missing_here()

        refuses(f"UPDATE {change}", says=says)

    def test_is_not_made_by_lines_that_come_after_matching(self) -> None:
        reconcile(line())
        sql = (
            "INSERT INTO onramp_statementline (statement_id, number, bank, bank_reference, token,"
            " reference, kind, is_credit, amount_minor, currency, booked_at) SELECT statement_id,"
            " 2, bank, 'X', '', '', kind, is_credit, 5, currency, booked_at"
            " FROM onramp_statementline"
        )

        refuses(sql, says="lines were added to a statement")

    def test_never_stands_on_two_statements_of_a_day(self) -> None:
        reconcile(line())
        reconcile()

        refuses(
            "UPDATE onramp_statement SET superseded_at = NULL WHERE superseded_at IS NOT NULL",
            says="it was superseded",
        )

    @pytest.mark.parametrize(
        ("kind", "by", "text", "says"),
        [
            ("noted", None, "x", "break_act_of_somebody"),
            ("found", "staff", "", "break_act_of_somebody"),
            ("explained", "staff", "", "break_act_says_why"),
        ],
    )
    def test_has_acts_of_somebody_that_say_why(
        self, kind: str, by: str | None, text: str, says: str
    ) -> None:
        case, staff = missing_here(), make_staff()

        refuses(
            "INSERT INTO onramp_breakact (of_id, kind, by_id, at, text)"
            " VALUES (%s, %s, %s::bigint, now(), %s)",
            *(case.pk, kind, staff.pk if by else None, text),
            says=says,
        )
