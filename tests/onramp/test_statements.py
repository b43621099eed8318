"""Reading what a bank says it booked: two formats, one meaning, and no trust in either."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onramp import statements
from onramp.statements import BadStatement, Kind, StatementLine
from onramp.statements.csv import HEADER
from tests.onramp import statements as made
from tests.onramp.statements import DAY, NOON, document, entry, line, stmt, text

FORMATS = {"csv": made.csv, "camt053": made.camt053}
REFERENCES = st.from_regex(r"\A[A-Z0-9][A-Z0-9/-]{0,30}[A-Z0-9]\Z")
SAID = st.builds(
    line,
    bank=st.sampled_from(["banyan", "harbour", "lotus", "gb33bukb20201555555555"]),
    bank_reference=REFERENCES,
    token=st.one_of(st.just(""), st.from_regex(r"\A[A-Za-z0-9_-]{43,64}\Z")),
    reference=st.one_of(st.just(""), REFERENCES),
    kind=st.sampled_from([Kind.PAYMENT, Kind.PAYOUT, Kind.RETURN]),
    is_credit=st.booleans(),
    amount_minor=st.integers(1, 10**15),
    currency=st.sampled_from(["INR", "JPY", "KWD"]),
    booked_at=st.integers(0, 17 * 3600).map(lambda s: NOON - timedelta(hours=11, seconds=-s)),
)


def read(body: bytes, format: str = "") -> list[StatementLine]:
    return list(statements.read(body=body, format=format or statements.format_of(body), day=DAY))


@pytest.mark.parametrize("format", FORMATS)
class TestEitherFormat:
    @given(lines=st.lists(SAID, max_size=6))
    def test_says_what_was_written(self, format: str, lines: list[StatementLine]) -> None:
        lines.sort(key=lambda said: said.bank)
        body = FORMATS[format](lines) if lines else FORMATS[format]([line()])

        assert statements.format_of(body) == format
        assert read(body) == (lines or [line()])

    @pytest.mark.parametrize("at", [NOON - timedelta(days=1), NOON + timedelta(hours=12)])
    def test_is_of_one_day(self, format: str, at: datetime) -> None:
        with pytest.raises(BadStatement, match=r"line 2 booked on .*, not on 2026-11-19"):
            read(FORMATS[format]([line(), line(booked_at=at)]))

    def test_has_a_day_that_begins_at_our_midnight(self, format: str) -> None:
        first = datetime(2026, 11, 18, 18, 30, tzinfo=UTC)

        assert len(read(FORMATS[format]([line(booked_at=first)]))) == 1
        with pytest.raises(BadStatement):
            read(FORMATS[format]([line(booked_at=first - timedelta(seconds=1))]))

    def test_is_bounded_in_lines(self, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statements, "MAX_LINES", 2)

        with pytest.raises(BadStatement, match="more than 2 lines"):
            read(FORMATS[format]([line()] * 3))

    def test_is_bounded_in_bytes(self, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statements, "MAX_BYTES", 100)

        with pytest.raises(BadStatement, match="larger than"):
            read(FORMATS[format]([line()]))

    @given(cut=st.integers(1, 400))
    def test_is_refused_when_it_is_cut_off(self, format: str, cut: int) -> None:
        body = FORMATS[format]([line()] * 3).rstrip()

        with pytest.raises(BadStatement):
            read(body[: -min(cut, len(body))], format)

    @given(body=st.binary(max_size=300))
    def test_is_refused_when_it_is_noise(self, format: str, body: bytes) -> None:
        with pytest.raises(BadStatement):
            read(body, format)

    @given(data=st.data())
    def test_is_read_or_refused_whatever_bytes_change(self, format: str, data: Any) -> None:
        body = bytearray(FORMATS[format]([line(), line(is_credit=False)]))
        for at in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=4)):
            body[at] = data.draw(st.integers(0, 255))
        try:
            lines = read(bytes(body), format)
        except BadStatement:
            return
        assert all(0 < said.amount_minor <= 10**15 for said in lines)


@pytest.mark.parametrize(
    "changes",
    [
        {"bank": ""},
        {"bank": "x" * 40},
        {"bank": "b\0"},
        {"bank_reference": ""},
        {"bank_reference": "x" * 65},
        {"bank_reference": "BAN 0001 "},
        {"bank_reference": "é"},
        {"token": "short"},
        {"reference": "\x07"},
        {"kind": "loan"},
        {"direction": "sideways"},
        {"amount_minor": "0"},
        {"amount_minor": "-5"},
        {"amount_minor": "5.0"},
        {"amount_minor": "1e5"},
        {"amount_minor": "\u0665"},
        {"amount_minor": "1_0"},
        {"amount_minor": "9" * 17},
        {"amount_minor": str(10**15 + 1)},
        {"currency": "inr"},
        {"currency": ""},
        {"booked_at": "yesterday"},
        {"booked_at": "2026-11-19"},
        {"booked_at": "2026-13-19T00:00:00Z"},
        {"booked_at": "2026-11-19T25:00:00Z"},
        {"booked_at": "9999-12-31T23:59:59-12:00"},
        {"booked_at": "0001-01-01T00:00:00+12:00"},
        {"booked_at": "\u0662026-11-19T00:00:00Z"},
    ],
)
def test_a_line_of_csv_is_refused_with(changes: dict[str, str]) -> None:
    usual = dict(zip(HEADER, made.csv([line()]).decode().splitlines()[1].split(","), strict=True))

    with pytest.raises(BadStatement):
        read(text([HEADER, list((usual | changes).values()), ("end", "1")]), "csv")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "header"),
        (text([HEADER]), "cut off"),
        (text([HEADER, ("end", "1")]), "0 lines"),
        (text([HEADER, ("end", "0"), ("end", "0")]), "after its end"),
        (text([HEADER, ("end",)]), "0 lines"),
        (text([HEADER, ("a", "b")]), "not of 9 fields"),
        (text([[*HEADER, "more"], ("end", "0")]), "header"),
        (text([HEADER]) + b'"open', "well-formed"),
        (text([HEADER]) + b"x" * 200_000, "well-formed"),
        (text([HEADER]) + b"\xff\n", "UTF-8"),
    ],
)
def test_csv_is_refused_with(body: bytes, says: str) -> None:
    with pytest.raises(BadStatement, match=says):
        read(body, "csv")


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/passwd">'
ONE = entry(line())


class TestCamt053:
    @pytest.mark.parametrize("before", [LAUGHS, OUTSIDE, "<!DOCTYPE Document>"])
    def test_has_no_document_type(self, before: str) -> None:
        """Guard: the handlers that refuse it; without one, entities are expanded or looked for."""
        with pytest.raises(BadStatement, match="document type"):
            read(document(stmt([line()]), before=before))

    def test_knows_no_entities(self) -> None:
        with pytest.raises(BadStatement, match="well-formed"):
            read(document(stmt([]) + "&lol;"))

    @pytest.mark.parametrize(
        ("inside", "says"),
        [
            ("", "no statement"),
            ("<Stmt>" + ONE + "</Stmt>", "an account"),
            (stmt([line()]).replace("CRDT", "CRDR"), "neither"),
            (stmt([line()]).replace("500.00", "500,00"), "amount"),
            (stmt([line()]).replace("500.00", "500.001"), "finer"),
            (stmt([line()]).replace("500.00", "0.00"), "above zero"),
            (stmt([line()]).replace("500.00", "-5.00"), "amount"),
            (stmt([line()]).replace("500.00", "9" * 15 + ".00"), "too large"),
            (stmt([line()]).replace("500.00", "9" * 2_000), "too long"),
            (stmt([line()]).replace("500.00", "\u0665"), "amount"),
            (stmt([line()]).replace('Ccy="INR"', ""), "a currency"),
            (stmt([line()]).replace('"INR"', '"ZZZ"'), "no currency"),
            (stmt([line()]).replace("<DtTm>", "<When>").replace("</DtTm>", "</When>"), "a day"),
            (stmt([line()]).replace("BAN-0001", "B\u00e9"), "a reference"),
            (stmt([line()]).replace("<AcctSvcrRef>BAN-0001</AcctSvcrRef>", ""), "a reference"),
            (stmt([line()]).replace("<Sts>", f"{made.amount(line())}<Sts>"), "Amt@Ccy twice"),
            ("<a>" * 60 + "</a>" * 60, "nested"),
            ("<Stmt><TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>"
             + stmt([line()]).removeprefix("<Stmt>"), "says that it has others"),
        ],
    )  # fmt: skip
    def test_is_refused_with(self, inside: str, says: str) -> None:
        with pytest.raises(BadStatement, match=says):
            read(document(inside))

    @pytest.mark.parametrize("namespace", ["urn:x", "", "urn:iso:std:iso:20022:tech:xsd:pain.001"])
    def test_is_camt053(self, namespace: str) -> None:
        with pytest.raises(BadStatement, match=r"no CAMT\.053"):
            read(document(stmt([line()]), namespace=namespace))

    @pytest.mark.parametrize("version", ["02", "04", "08", "13"])
    def test_may_be_of_any_version(self, version: str) -> None:
        namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
        inside = stmt([line()]).replace(
            "<Cd>BOOK</Cd>", "BOOK" if version == "02" else "<Cd>BOOK</Cd>"
        )

        assert read(document(inside, namespace=namespace)) == [line()]

    @pytest.mark.parametrize("status", ["PDNG", "INFO"])
    def test_books_what_is_booked_alone(self, status: str) -> None:
        inside = stmt([line()]).replace("BOOK", status)

        assert read(document(inside)) == []

    def test_may_say_the_day_alone(self) -> None:
        inside = stmt([line()]).replace("DtTm>", "Dt>").replace(NOON.isoformat(), "2026-11-19")

        [said] = read(document(inside))

        assert (said.booked_on, said.amount_minor) == (DAY, 50_000)

    def test_may_be_in_utf_16(self) -> None:
        body = document(stmt([line()])).decode().encode("utf-16")

        assert read(body) == [line()]

    def test_says_of_a_batch_what_is_in_it(self) -> None:
        parts = [line(bank_reference=f"P-{n}", token=str(n) * 43, amount_minor=n) for n in (1, 2)]
        batch = entry(line(amount_minor=3, token="")).replace(
            entry(line(token=""))[entry(line(token="")).index("<NtryDtls>") :],
            f"<NtryDtls><Btch/>{''.join(map(part, parts))}</NtryDtls></Ntry>",
        )

        assert read(document(stmt([]).replace("</Stmt>", f"{batch}</Stmt>"))) == parts

    def test_refuses_a_batch_that_does_not_add_up(self) -> None:
        parts = "".join(part(line(amount_minor=n)) for n in (1, 3))
        inside = stmt([line(amount_minor=3)]).replace("</NtryDtls>", f"{parts}</NtryDtls>")

        with pytest.raises(BadStatement):
            read(document(inside))

    def test_is_read_piece_by_piece(self) -> None:
        """Guard: entries are let go as they are read; 5,000 of them never stand together."""
        body = document(stmt([line()] * 5_000))
        tracemalloc.start()
        try:
            count = sum(1 for _ in statements.read(body=body, format="camt053", day=DAY))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert count == 5_000
        assert most < len(body) / 2


def part(said: StatementLine) -> str:
    return (
        f"<TxDtls><Refs><AcctSvcrRef>{said.bank_reference}</AcctSvcrRef>"
        f"<EndToEndId>{said.reference}</EndToEndId></Refs>{made.amount(said)}"
        f"<RmtInf><Ustrd>{said.token}</Ustrd></RmtInf></TxDtls>"
    )
