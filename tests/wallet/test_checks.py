"""What the database writes in fewer words than the models is the same."""

from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from django.db import connection, models

from tests.wallet.forge import sql
from wallet.models import Entry, Transfer

pytestmark = pytest.mark.django_db

Columns = Mapping[str, Sequence[object]]
_EDGE = [None, -1, 0, 1]
_MORE = [None, 0, 1, 2]
ENTRIES = {
    "delta_available_minor": [-1, 0, 1],
    "delta_locked_minor": [-1, 0, 1],
    "version": [None, 0, 1],
    "available_before_minor": _MORE,
    "available_after_minor": _EDGE,
    "locked_before_minor": _MORE,
    "locked_after_minor": _EDGE,
}
TRANSFERS = {
    "kind": [*Transfer.Kind.values, "pot", "", "HOLD", "hold "],
    "source_id": [1, 2],
    "target_id": [1, 2],
}


def as_the_model_says(model: type[models.Model], name: str) -> str:
    [rule] = [rule for rule in model._meta.constraints if rule.name == name]
    assert isinstance(rule, models.CheckConstraint)
    assert isinstance(rule.condition, models.Q)
    query = models.sql.Query(model=model, alias_cols=False)
    with connection.schema_editor(collect_sql=True) as editor:
        sql, values = query.build_where(rule.condition).as_sql(
            query.get_compiler(connection=connection), connection
        )
        return str(sql % tuple(editor.quote_value(value) for value in values))


def as_the_database_says(name: str) -> str:
    [[rule]] = sql(
        "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = %s", name
    )
    return str(rule)


def rows_of(columns: Columns) -> str:
    """Return a FROM clause with a row for each combination of the values."""
    [types] = {
        tuple("text" if isinstance(values[-1], str) else "bigint" for values in columns.values())
    }
    arrays = zip(*product(*columns.values()), strict=True)
    with connection.schema_editor(collect_sql=True) as editor:
        written = [
            "ARRAY[" + ",".join(str(editor.quote_value(value)) for value in array) + f"]::{type}[]"
            for array, type in zip(arrays, types, strict=True)
        ]
    return f"unnest({', '.join(written)}) AS row ({', '.join(columns)})"


@pytest.mark.parametrize(
    ("model", "name", "columns"),
    [
        (Entry, "entry_after_is_before_plus_delta", ENTRIES),
        (Transfer, "transfer_wallets_differ", TRANSFERS),
        (Transfer, "transfer_kind_known", TRANSFERS),
    ],
)
def test_lets_the_same_rows_in(model: type[models.Model], name: str, columns: Columns) -> None:
    ours, theirs = as_the_model_says(model, name), as_the_database_says(name)

    [[both, different, none]] = sql(
        f"SELECT count(*) FILTER (WHERE m AND d), count(*) FILTER (WHERE m <> d),"
        f" count(*) FILTER (WHERE NOT m AND NOT d)"
        f" FROM (SELECT ({ours}) IS NOT FALSE AS m, ({theirs}) IS NOT FALSE AS d"
        f" FROM {rows_of(columns)}) told".replace("%", "%%")
    )

    assert different == 0
    assert both
    assert none


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
