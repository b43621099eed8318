"""Queries compiled once behave as querysets do, and rows travel as array literals unharmed."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.models import CharField
from django.db.transaction import TransactionManagementError
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from accounts.models import User
from nexapay.kernel.arrays import columns, literal
from nexapay.kernel.prepared import IsAnyOf, Parameter, Prepared, columns_of, instance, together
from onramp.models import BankEvent
from tests.factories import make_user
from wallet.models import Wallet

NAMED = Prepared(
    lambda: (
        User.objects.filter(IsAnyOf("pk"), is_active=True, name=Parameter(CharField()))
        .order_by("pk")
        .values_list("pk", "name", "date_joined")
    )
)
LOCKED = Prepared(lambda: User.objects.select_for_update().filter(IsAnyOf("pk")).values_list("pk"))
texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)


@pytest.mark.django_db
class TestPrepared:
    def test_reads_what_the_queryset_reads(self) -> None:
        ana, ben = make_user("Ana"), make_user("Ben")

        rows = NAMED.rows([ana.pk, ben.pk], "Ana")

        assert rows == [(ana.pk, "Ana", ana.date_joined)]
        assert NAMED.rows([ana.pk, ben.pk], "Ben") == [(ben.pk, "Ben", ben.date_joined)]

    def test_takes_values_in_the_order_in_which_they_are_written(self) -> None:
        """The ORM sorts conditions by name: handle comes before name in the SQL."""
        ana = make_user("Ana")
        asked = Prepared(
            lambda: User.objects.filter(
                name=Parameter(CharField()), handle=Parameter(CharField())
            ).values_list("pk")
        )

        assert asked.rows("Ana", ana.handle) == [(ana.pk,)]

    def test_makes_no_rows_of_a_model_that_the_orm_would_make_otherwise(self) -> None:
        with pytest.raises(TypeError, match="headers"):
            columns_of(BankEvent)

    def test_makes_no_rows_of_a_model_that_makes_itself(self) -> None:
        with pytest.raises(TypeError, match="__init__"):
            columns_of(type("Odd", (), {}))

    def test_makes_the_instance_that_the_orm_makes(self) -> None:
        make_user("Ana")
        [row] = Prepared(lambda: Wallet.objects.values_list(*columns_of(Wallet))).rows()

        made, orms = instance(Wallet, row), Wallet.objects.get()
        facts = [vars(wallet) | {"_state": None} for wallet in (made, orms)]
        assert facts[0] == facts[1]
        assert (made._state.db, made._state.adding) == (orms._state.db, orms._state.adding)
        assert made.owner == orms.owner

    def test_wants_a_value_for_each_parameter(self) -> None:
        fresh = Prepared(lambda: User.objects.filter(IsAnyOf("pk")).values_list("pk"))

        with pytest.raises(TypeError, match="2 values are given"):
            fresh.rows([1], "too many")

    def test_runs_together_in_order(self) -> None:
        ana = make_user("Ana")

        assert together((LOCKED, ([ana.pk],)), (NAMED, ([ana.pk], "Ana"))) == [
            [(ana.pk,)],
            [(ana.pk, "Ana", ana.date_joined)],
        ]


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_is_refused() -> None:
    """It would be gone before anybody looked at what it locked."""
    fresh = Prepared(lambda: User.objects.select_for_update().filter(IsAnyOf("pk")))
    with pytest.raises(TransactionManagementError, match="outside of a transaction"):
        fresh.rows([1])

    with transaction.atomic():
        assert fresh.rows([1]) == []
    with pytest.raises(TransactionManagementError, match="needs a transaction"):
        fresh.rows([1])


@pytest.mark.django_db
class TestArrays:
    @hypothesis(max_examples=50)
    @given(st.lists(st.one_of(st.none(), texts)))
    def test_bring_any_text(self, values: list[str | None]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::text[]", [literal(values)])
            assert cursor.fetchone()[0] == values

    def test_bring_every_kind_of_column(self) -> None:
        row: tuple[object, ...] = (-5, UUID(int=7), b"\x00\\\xff", "NULL", None)
        at = datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[], %s::text[],"
                " %s::bigint[], %s::timestamptz[])",
                columns([(*row, at), (*row, at)], 6),
            )
            found = [(a, b, bytes(c), d, e, f) for a, b, c, d, e, f in cursor.fetchall()]

        assert found == [(*row, at)] * 2

    def test_of_no_rows_are_empty(self) -> None:
        assert columns([], 2) == ["{}", "{}"]

    def test_refuse_what_has_no_form(self) -> None:
        with pytest.raises(KeyError):
            literal([1.9, uuid4()])
