"""What a transaction says last travels with COMMIT, and stands or falls with it."""

from contextlib import suppress

import pytest
from django.db import DataError, IntegrityError, InternalError, connection, transaction
from django.db.transaction import TransactionManagementError

from nexapay.kernel import wire
from nexapay.kernel.prepared import Prepared, at_commit
from tests.factories import make_user

RENAME = Prepared("UPDATE accounts_user SET name = %s WHERE id = %s RETURNING name")
NAMES = Prepared("SELECT name FROM accounts_user ORDER BY id")
DIVIDE = Prepared("SELECT 1 / %s::int")
LATER = """
CREATE TEMPORARY TABLE later (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)
"""
ADD = Prepared("INSERT INTO later SELECT 1 FROM generate_series(1, %s)")

pytestmark = pytest.mark.django_db(transaction=True)


class TestLastWords:
    def test_are_answered_when_the_block_has_ended(self) -> None:
        ana = make_user("Ana")

        with transaction.atomic():
            words = at_commit((RENAME, ("Asha", ana.pk)), (NAMES, ()))
            assert (words.rows, NAMES.rows()) == ([], [("Ana",)])

        assert words.rows == [[("Asha",)], [("Asha",)]]
        assert NAMES.rows() == [("Asha",)]

    def test_take_one_round_trip_from_begin_to_commit(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ana, trips = make_user("Ana"), 0
        exchange = wire._exchange

        def counted(*args: object) -> object:
            nonlocal trips
            trips += 1
            return exchange(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(wire, "_exchange", counted)
        with transaction.atomic():
            at_commit((RENAME, ("Asha", ana.pk)), (NAMES, ()))

        assert trips == 1

    def test_that_fail_take_everything_with_them(self) -> None:
        ana = make_user("Ana")

        def rename_and_fail() -> None:
            with transaction.atomic():
                RENAME.rows("Asha", ana.pk)
                at_commit((RENAME, ("Anu", ana.pk)), (DIVIDE, (0,)))

        with pytest.raises(DataError, match="division by zero"):
            rename_and_fail()

        assert NAMES.rows() == [("Ana",)]

    def test_that_are_all_a_transaction_says_stand_or_fall_together(self) -> None:
        ana = make_user("Ana")

        with pytest.raises(DataError, match="division by zero"), transaction.atomic():
            at_commit((RENAME, ("Asha", ana.pk)), (DIVIDE, (0,)))

        assert NAMES.rows() == [("Ana",)]

    def test_hear_what_only_commit_refuses(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(LATER)

        with pytest.raises(IntegrityError, match="later_n_key"), transaction.atomic():
            at_commit((ADD, (2,)))

    def test_are_forgotten_when_the_block_fails(self) -> None:
        """Guard: a rollback takes back what was to be said."""
        ana = make_user("Ana")

        with transaction.atomic():
            at_commit((RENAME, ("Asha", ana.pk)))
            transaction.set_rollback(True)
        with transaction.atomic():
            pass

        assert NAMES.rows() == [("Ana",)]

    def test_are_not_said_by_the_next_transaction_when_the_connection_is_closed(self) -> None:
        """Guard: closing forgets them."""
        ana = make_user("Ana")

        with transaction.atomic():
            at_commit((RENAME, ("Asha", ana.pk)))
            connection.close()
        with transaction.atomic():
            pass

        assert NAMES.rows() == [("Ana",)]

    def test_a_commit_that_rolls_back_is_an_error(self) -> None:
        """Guard: an error that somebody passed over inside the block is not taken for success."""

        def pass_over() -> None:
            with transaction.atomic(), suppress(DataError):
                DIVIDE.rows(0)

        with pytest.raises(InternalError, match="rolled back"):
            pass_over()

    def test_are_said_at_once_inside_another_block(self) -> None:
        ana = make_user("Ana")

        with transaction.atomic():
            with transaction.atomic():
                words = at_commit((RENAME, ("Asha", ana.pk)))
            assert words.rows == [[("Asha",)]]

    def test_need_a_transaction(self) -> None:
        with pytest.raises(TransactionManagementError, match="no transaction"):
            at_commit((NAMES, ()))
