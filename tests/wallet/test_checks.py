"""What a judge says in place of a CHECK is the same, row by row; what others said once, too."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import pytest

from tests.wallet import rules
from tests.wallet.forge import ZEROS, Row, pay, sql
from tests.wallet.guards import Guard, World, without
from wallet.models import Transfer

pytestmark = pytest.mark.django_db

# The rules of migrations 0002 and 0011 that judges keep since 0014, as CHECKs were to keep them.
_EDGE = [None, -1, 0, 1]
_MORE = [None, 0, 1, 2]
ENTRIES: Mapping[str, Sequence[object]] = {
    "delta_available_minor": [-1, 0, 1],
    "delta_locked_minor": [-1, 0, 1],
    "version": [None, 0, 1],
    "available_before_minor": _MORE,
    "available_after_minor": _EDGE,
    "locked_before_minor": _MORE,
    "locked_after_minor": _EDGE,
}
KINDS = [*Transfer.Kind.values, "pot", "", "HOLD", "hold "]
TIMES = {
    "-infinity": False,
    "0044-03-15T00:00:00Z BC": False,
    "1899-12-31T23:59:59.999999Z": False,
    "1900-01-01T05:29:59.999999+05:30": False,
    "1900-01-01T00:00:00Z": True,
    "2199-12-31T23:59:59.999999Z": True,
    "2200-01-01T00:00:00Z": False,
    "12026-01-01T00:00:00Z": False,
    "infinity": False,
}


def adds_up(entry: Row) -> bool:
    names = ("available_before", "available_after", "locked_before", "locked_after")
    before, after, locked_before, locked_after = (entry[f"{name}_minor"] for name in names)
    numbers = [entry["version"], before, after, locked_before, locked_after]
    if None in numbers:
        return numbers == [None] * 5
    goes_on = after == before + entry["delta_available_minor"]
    locked_goes_on = locked_after == locked_before + entry["delta_locked_minor"]
    return bool(goes_on and locked_goes_on and min(after, locked_after) >= 0 < entry["version"])


def is_of_a_kind(transfer: Row) -> bool:
    inside = transfer["source_id"] == transfer["target_id"]
    return transfer["kind"] in Transfer.Kind.values and inside == (
        transfer["kind"] in (Transfer.Kind.HOLD, Transfer.Kind.RELEASE)
    )


# What else would refuse the rows below. What is below zero their types refuse, and stays.
OTHERS_OF_ENTRIES: list[Guard] = [
    *(
        rules.OF_BOTH,
        rules.VERSIONED,
        rules.TO_BANK,
        rules.MOVES,
        rules.LOCKS,
        rules.HAPPENED,
        rules.CREATED,
    ),
    *(rules.HASH, rules.GAP, rules.AVAILABLE_BEFORE, rules.LOCKED_BEFORE, rules.NO_BALANCE),
]
OTHERS_OF_TRANSFERS: list[Guard] = [
    *(rules.FINGERPRINT, rules.BOTH),
]


def combined(columns: Mapping[str, Sequence[object]]) -> list[Row]:
    """Return a row for each combination of the values."""
    return [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]


def let_in(table: str, honest: Row, rows: Sequence[Row]) -> list[Row]:
    """Insert honest rows, each changed to one of these and by itself; return whose went through."""
    sql(
        "CREATE FUNCTION pg_temp.lets_in(given jsonb) RETURNS boolean LANGUAGE plpgsql AS $$"
        f" BEGIN INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, given);"
        " RAISE SQLSTATE 'NXPAY';"
        " EXCEPTION WHEN check_violation THEN RETURN false;"
        " WHEN SQLSTATE 'NXPAY' THEN RETURN true; END $$"
    )
    answers = sql(
        "SELECT pg_temp.lets_in(row) FROM jsonb_array_elements(%s) row",
        json.dumps([honest | row for row in rows]),
    )
    return [row for row, (answer,) in zip(rows, answers, strict=True) if answer]


def those(rows: Sequence[Row], fit: Callable[[Row], bool]) -> list[Row]:
    fitting = [row for row in rows if fit(row)]
    assert 0 < len(fitting) < len(rows)
    return fitting


def test_lets_the_same_entries_in(world: World) -> None:
    act = pay(world.ana, world.cem, 100)
    honest = act.entry[1] | {"transfer_id": world.older_id, "prev_hash": ZEROS}
    rows = combined(ENTRIES)

    with without(OTHERS_OF_ENTRIES):
        assert let_in("wallet_entry", honest, rows) == those(rows, adds_up)


def test_lets_the_same_kinds_in(world: World) -> None:
    wallets = [world.ana.pk, world.ben.pk]
    rows = combined({"kind": KINDS, "source_id": wallets, "target_id": wallets})

    with without(OTHERS_OF_TRANSFERS):
        honest = pay(world.ana, world.ben, 100).transfer[0]
        assert let_in("wallet_transfer", honest, rows) == those(rows, is_of_a_kind)


@pytest.mark.parametrize("dates", ["ISO, MDY", "German, DMY", "SQL, YMD"])
def test_lets_the_same_times_in_however_the_session_writes_them(dates: str, world: World) -> None:
    rows: list[Row] = [{"happened_at": time} for time in TIMES]

    with without(OTHERS_OF_TRANSFERS):
        honest = pay(world.ana, world.ben, 100).transfer[0]
        sql("SET LOCAL timezone = 'Asia/Kolkata'")
        sql(f"SET LOCAL datestyle = '{dates}'")
        let = let_in("wallet_transfer", honest, rows)

    assert let == those(rows, lambda row: TIMES[row["happened_at"]])


def test_counts_microseconds_as_before() -> None:
    """As migration 0004 wrote it, from 1900 to 2200, every eleven days at another time of day."""
    said = (
        "'entry-1|' || u::text || '|00|1|INR|1|1|0|1|0|' || (extract(epoch FROM at) * 1000000)"
        "::bigint::text || '|' || (extract(epoch FROM at) * 1000000)::bigint::text"
    )

    [[times, different]] = sql(
        "SELECT count(*), count(*) FILTER (WHERE sha256('\\x01'::bytea || convert_to("
        f"{said}, 'UTF8')) <> wallet_entry_hash('\\x01', u, '\\x00', 1, 'INR', 1, 1, 0, 1, 0, at,"
        " at)) FROM generate_series('1900-01-01 00:00+00'::timestamptz, '2200-01-01 00:00+00',"
        " '11 days 01:02:03.456789') at, gen_random_uuid() u"
    )

    assert times > 9_000
    assert different == 0
