"""A statement that says what accounts held adds up, or it is refused as a whole."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from onramp import statements
from onramp.models import Statement
from onramp.statements import BadStatement, StatementLine
from onramp.statements.csv import HEADER
from tests.onramp.statements import DAY, csv, document, entry, line, stmt, text

IN, OUT = line(), line(is_credit=False, amount_minor=20_000, bank_reference="BAN-2")


def read(body: bytes) -> list[StatementLine]:
    return list(statements.read(body=body, format=statements.format_of(body), day=DAY))


def bal(code: str, amount: str, *, direction: str = "CRDT", currency: str = "INR") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<CdtLine><Incl>false</Incl><Amt Ccy="INR">9.00</Amt></CdtLine>'
        f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'
        f"<Dt><Dt>2026-11-19</Dt></Dt></Bal>"
    )


def camt053(*balances: str, lines: tuple[StatementLine, ...] = (IN, OUT)) -> bytes:
    entries = stmt(lines)
    return document(entries.replace("</Acct>", "</Acct>" + "".join(balances)))


OPENING, CLOSING = bal("OPBD", "100.00"), bal("CLBD", "400.00")


class TestCamt053:
    @pytest.mark.parametrize(
        "balances",
        [
            [OPENING, CLOSING],
            [CLOSING, OPENING],
            [bal("PRCD", "100.00"), CLOSING],
            [bal("PRCD", "7.00"), OPENING, CLOSING, bal("CLAV", "1.00"), bal("ITBD", "1.00")],
            [bal("OPBD", "300.00", direction="DBIT"), bal("CLBD", "0")],
            [OPENING],
            [CLOSING],
            [bal("OPAV", "1.00"), bal("CLAV", "1.00")],
        ],
    )
    def test_that_adds_up_is_read(self, balances: list[str]) -> None:
        assert read(camt053(*balances)) == [IN, OUT]

    @pytest.mark.parametrize(
        ("balances", "says"),
        [
            ([OPENING, bal("CLBD", "400.01")], r"opens with 10,000, its lines come to 30,000, and"),
            ([OPENING, bal("CLBD", "400.00", direction="DBIT")], r"it closes with -40,000"),
            ([bal("OPBD", "100.00", direction="DBIT"), CLOSING], "does not add up"),
            ([OPENING, OPENING, CLOSING], "two balances that are OPBD"),
            ([OPENING, bal("CLBD", "400.00", currency="EUR")], "another currency"),
            ([OPENING, bal("CLBD", "")], "amount that is missing"),
            ([OPENING, bal("CLBD", "-1")], "amount that is missing"),
            ([OPENING, bal("CLBD", "400.001")], "finer"),
            ([OPENING, bal("CLBD", "1", currency="ABC")], "no currency"),
            ([OPENING, bal("CLBD", "1", currency="")], "currency that is missing"),
            ([OPENING, bal("CLBD", "1", direction="UP")], "neither a credit nor a debit"),
        ],
    )
    def test_that_does_not_is_refused(self, balances: list[str], says: str) -> None:
        with pytest.raises(BadStatement, match=says):
            read(camt053(*balances))

    def test_counts_what_is_booked_alone(self) -> None:
        pending = entry(line(bank_reference="BAN-3")).replace("BOOK", "PDNG")
        body = camt053(OPENING, CLOSING).replace(b"</Stmt>", pending.encode() + b"</Stmt>")

        assert read(body) == [IN, OUT]

    def test_has_balances_of_each_account(self) -> None:
        """Guard: each Stmt begins with none."""
        one = stmt([IN]).replace("</Acct>", "</Acct>" + OPENING + bal("CLBD", "600.00"))
        other = stmt([OUT], "lotus").replace("</Acct>", "</Acct>" + OPENING)

        assert len(read(document(one + other + one))) == 3
        with pytest.raises(BadStatement, match="does not add up"):
            read(document(one + other.replace("</Acct>", "</Acct>" + CLOSING)))


class TestCsv:
    @staticmethod
    def body(*balances: tuple[str, ...], end: str = "2") -> bytes:
        rows = [row.split(",") for row in csv([IN, OUT]).decode().splitlines()]
        return text([*rows[:-1], *balances, ("end", end)])

    @pytest.mark.parametrize(
        "balances",
        [
            [],
            [("balance", "banyan", "INR", "0", "30000")],
            [("balance", "BANYAN", "INR", "-40000", "-10000"), ("balance", "l", "JPY", "7", "7")],
        ],
    )
    def test_that_adds_up_is_read(self, balances: list[tuple[str, ...]]) -> None:
        assert read(self.body(*balances)) == [IN, OUT]

    @pytest.mark.parametrize(
        ("balance", "says"),
        [
            (("balance", "banyan", "INR", "0", "30001"), "does not add up"),
            (("balance", "lotus", "INR", "0", "30000"), "does not add up"),
            (("balance", "banyan", "EUR", "0", "30000"), "does not add up"),
            (("balance", "banyan", "INR", "0", ""), "without amounts"),
            (("balance", "banyan", "INR", "0.0", "30000"), "without amounts"),
            (("balance", "banyan", "INR", "0", "-" + "9" * 17), "without amounts"),
            (("balance", "", "INR", "0", "30000"), "an account"),
            (("balance", "banyan", "INR", "0"), "not of 9 fields"),
        ],
    )
    def test_that_does_not_is_refused(self, balance: tuple[str, ...], says: str) -> None:
        with pytest.raises(BadStatement, match=says):
            read(self.body(balance))

    def test_has_no_lines_after_its_balances(self) -> None:
        balance = ("balance", "banyan", "INR", "0", "0")
        later = csv([IN]).decode().splitlines()[1].split(",")

        with pytest.raises(BadStatement, match="cut off"):
            read(text([HEADER, balance, later, ("end", "1")]))


@pytest.mark.django_db
def test_nothing_is_kept_of_one_that_does_not_add_up(tmp_path: Any) -> None:
    file = tmp_path / "day.xml"
    file.write_bytes(camt053(OPENING, bal("CLBD", "1.00")))

    with pytest.raises(CommandError, match="The statement does not add up") as refused:
        call_command("reconcile", date=DAY, file=file)

    assert (refused.value.returncode, Statement.objects.count()) == (2, 0)
