"""How PostgreSQL reads our tables does not depend on how small they were when it was decided."""

import re

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import User
from nexapay.devdb import keeper
from nexapay.kernel import db
from nexapay.kernel.prepared import IsAnyOf, Prepared
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_row_of_a_young_table_is_looked_up_by_its_index() -> None:
    ana = make_user("Ana")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")  # One row: reading all of it would be cheaper.

    assert "Index Scan" in plan(f"SELECT name FROM accounts_user WHERE id = {ana.pk}")


def test_a_row_that_another_names_is_looked_up_by_its_index() -> None:
    """Guard: enable_mergejoin. Passing all who came before an early one looks as cheap."""
    early = [make_user() for _ in range(10)]
    later = [User(name="L", handle=f"later{n}", phone=f"+9171{n:08d}") for n in range(1_000)]
    User.objects.bulk_create(later)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date, user_id)"
            " SELECT 'session' || id, '', now(), id FROM unnest(%s::bigint[]) id",
            [[person.pk for person in early]],
        )
        cursor.execute("ANALYZE accounts_user, django_session")

    named = plan(
        "SELECT u.name FROM django_session s LEFT JOIN accounts_user u ON u.id = s.user_id"
        " WHERE s.session_key = 'session1'"
    )

    assert "Nested Loop" in named


def test_what_sums_a_whole_table_reads_it_from_end_to_end() -> None:
    everything = "SELECT sum(amount_minor) FROM wallet_transfer"
    with db.whole_tables():
        assert "Seq Scan" in plan(everything)
        assert "Disabled" not in plan(everything)


@pytest.mark.parametrize(
    ("name", "for_rows", "for_tables"),
    [
        ("enable_seqscan", "off", "on"),
        ("enable_mergejoin", "off", "on"),
        ("enable_memoize", "off", "on"),
        ("random_page_cost", "1.1", "4"),
    ],
)
def test_rows_are_looked_up_but_where_whole_tables_are_asked_for(
    name: str, for_rows: str, for_tables: str
) -> None:
    assert setting(name) == for_rows
    with db.whole_tables():
        assert setting(name) == for_tables
    assert setting(name) == for_rows


def test_a_role_has_the_settings_that_a_connection_has() -> None:
    """A container's roles, those of run.py, and what DATABASE_TIMEOUTS=connection says."""
    said = str(connection.settings_dict["OPTIONS"]["options"])
    on_connections = set(re.findall(r"-c (\w+)=([\w.]+)", said))
    container = (settings.BASE_DIR / "docker" / "roles.sh").read_text()

    assert len(on_connections) > 6
    for script in (keeper.ROLE_AND_DATABASE, container):
        assert set(re.findall(r"\('(\w+)', '([\w.]+)'\)", script)) == on_connections


def plan(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}")
        return "\n".join(line for (line,) in cursor.fetchall())


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


def test_a_prepared_statement_is_planned_once_for_all_its_values() -> None:
    """Guard: plan_cache_mode. For a list PostgreSQL would plan anew each time, and pay for it."""
    ana = make_user("Ana")
    for ids in ([ana.pk], [ana.pk, 1], [1, 2, 3]):
        NAMES.rows(ids)

    assert planned(NAMES) == [(3, 0)]


NAMES = Prepared(lambda: User.objects.filter(IsAnyOf("pk")).values_list("name"))


def planned(query: Prepared) -> list[tuple[int, int]]:
    """Return how often one plan served every value, and how often one was made for the values."""
    assert query._statement
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = %s",
            [query._statement.name.decode()],
        )
        return list(cursor.fetchall())
