"""Statements sent together arrive in order; what goes wrong on the way is told, and forgotten."""

import threading

import pytest
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    transaction,
)
from django.db import connection as default

from accounts.models import User
from nexapay.kernel import wire
from nexapay.kernel.prepared import Prepared, together
from nexapay.kernel.wire import Statement
from tests.factories import make_user

RENAME = Prepared("UPDATE accounts_user SET name = %s WHERE id = %s RETURNING name")
NAMES = Prepared("SELECT name FROM accounts_user ORDER BY id")
DIVIDE = Prepared("SELECT 100 %% 7, '%%s', 1 / %s::int")
NOBODY = Prepared("SELECT nobody FROM accounts_user")
ME = Prepared("SELECT pg_backend_pid()")
LOCK = Prepared("SELECT pg_advisory_xact_lock(%s)")

pytestmark = pytest.mark.django_db(transaction=True)


class TestTogether:
    def test_each_sees_what_those_before_it_did(self) -> None:
        ana = make_user("Ana")

        assert together((NAMES, ()), (RENAME, ("Asha", ana.pk)), (NAMES, ())) == [
            [("Ana",)],
            [("Asha",)],
            [("Asha",)],
        ]

    def test_begins_a_transaction_that_atomic_ends(self) -> None:
        ana = make_user("Ana")

        with transaction.atomic():
            RENAME.rows("Asha", ana.pk)
            transaction.set_rollback(True)

        assert NAMES.rows() == [("Ana",)]

    def test_a_percent_sign_may_be_written(self) -> None:
        assert DIVIDE.rows(1) == [(2, "%s", 1)]


class TestAQueryThatTwoThreadsCompileAtOnce:
    def test_is_one_statement_on_every_connection(self) -> None:
        ones, others = Prepared("SELECT 'the same'"), Prepared("SELECT 'the same'")

        assert ones.rows() == others.rows() == ones.rows() == [("the same",)]
        assert together((ones, ()), (others, ())) == [[("the same",)]] * 2

    def test_may_come_twice_before_it_is_prepared(self) -> None:
        ones, others = Prepared("SELECT 'twice'"), Prepared("SELECT 'twice'")

        assert together((ones, ()), (others, ())) == [[("twice",)]] * 2


class TestWhatGoesWrong:
    def test_is_told_and_takes_everything_with_it(self) -> None:
        ana = make_user("Ana")

        with pytest.raises(DataError, match="division by zero"):
            together((RENAME, ("Asha", ana.pk)), (DIVIDE, (0,)), (NAMES, ()))

        assert NAMES.rows() == [("Ana",)]

    def test_names_the_constraint_as_the_orm_does(self) -> None:
        ana, ben = make_user("Ana"), make_user("Ben")
        again = Prepared("UPDATE accounts_user SET handle = %s WHERE id = %s")

        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            again.rows(ana.handle, ben.pk)

        assert caught.value.__cause__.diag.constraint_name  # type: ignore[union-attr]

    def test_a_statement_that_is_wrong_is_wrong_every_time(self) -> None:
        for _ in range(2):
            with pytest.raises(ProgrammingError, match="nobody"):
                together((ME, ()), (NOBODY, ()))

        assert ME.rows()

    def test_text_with_a_nul_is_refused_and_not_cut_off(self) -> None:
        ana = make_user("Ana")

        with pytest.raises(DataError, match="NUL"):
            RENAME.rows("Asha\0", ana.pk)

        assert NAMES.rows() == [("Ana",)]

    def test_at_the_commit_of_a_lone_statement_is_told(self) -> None:
        """Outside a transaction a foreign key that may wait is asked when the sync is answered."""
        of_nobody = Prepared(
            "INSERT INTO wallet_wallet (public_id, owner_id, kind, name, currency, status,"
            " tracks_balance, created_at) VALUES (gen_random_uuid(), %s, 'user', 'Nobody', 'INR',"
            " 'active', true, now())"
        )

        with pytest.raises(IntegrityError) as caught:
            of_nobody.rows(2**62)

        assert caught.value.__cause__.sqlstate == "23503"  # type: ignore[union-attr]
        assert NAMES.rows() == []

    def test_of_the_first_statement_breaks_its_transaction(self) -> None:
        with transaction.atomic():
            with pytest.raises(ProgrammingError, match="nobody"):
                Prepared("SELECT nobody FROM accounts_user").rows()
            with pytest.raises(InternalError, match="aborted"):
                NAMES.rows()
            transaction.set_rollback(True)

    @pytest.mark.parametrize(
        "change",
        [
            "DISCARD ALL",
            "CREATE TEMP TABLE accounts_user AS SELECT 1::bigint AS id, 2 AS name",
        ],
    )
    def test_a_stale_statement_costs_one_request_and_no_more(self, change: str) -> None:
        names = Prepared("SELECT * FROM (SELECT name FROM accounts_user ORDER BY id) people")
        assert names.rows() == []
        with default.cursor() as cursor:
            cursor.execute(change)

        with pytest.raises((ProgrammingError, NotSupportedError)):
            names.rows()
        close_old_connections()

        assert names.rows() == []

    def test_a_statement_that_the_server_has_and_we_do_not_know_costs_no_more(self) -> None:
        name = Statement("SELECT 'unknown'").name.decode()
        with default.cursor() as cursor:
            cursor.execute(f"PREPARE {name} AS SELECT 'unknown'")

        with pytest.raises(ProgrammingError, match="already exists"):
            Prepared("SELECT 'unknown'").rows()
        close_old_connections()

        assert Prepared("SELECT 'unknown'").rows() == [("unknown",)]

    def test_after_a_failure_in_a_transaction_nothing_runs_in_it(self) -> None:
        with transaction.atomic():
            with pytest.raises(DataError):
                DIVIDE.rows(0)
            with pytest.raises(InternalError, match="aborted"):
                NAMES.rows()
            transaction.set_rollback(True)

        assert NAMES.rows() == []


class TestALostConnection:
    def test_is_told_and_the_next_request_has_another(self) -> None:
        [(pid,)] = ME.rows()
        _end(pid)

        with pytest.raises(OperationalError):
            NAMES.rows()
        default.close_if_unusable_or_obsolete()

        assert ME.rows() != [(pid,)]

    @pytest.mark.parametrize("ends", [True, False])
    def test_between_two_requests_is_seen_at_the_socket(self, ends: bool) -> None:  # noqa: FBT001
        """Then Django asks the database, finds nobody and connects anew; otherwise it need not."""
        [(pid,)] = ME.rows()
        if ends:
            _end(pid)

        close_old_connections()  # As Django does when a request begins.
        wire.trust_if_quiet(default)

        assert default.health_check_done is not ends  # type: ignore[attr-defined]
        assert (ME.rows() == [(pid,)]) is not ends

    def test_half_way_through_it_is_never_used_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        [(pid,)] = ME.rows()
        with monkeypatch.context() as patch:
            patch.setattr("nexapay.kernel.wire._receive", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                NAMES.rows()
        default.close()

        assert ME.rows() != [(pid,)]


def test_who_waits_lets_the_others_of_its_process_work() -> None:
    """The holder is a thread of the same process: if the waiter kept the GIL, both would stand."""
    waiting, got = threading.Event(), threading.Event()

    def wait() -> None:
        try:
            with transaction.atomic():
                waiting.set()
                LOCK.rows(7)
                got.set()
        finally:
            default.close()

    waiter = threading.Thread(target=wait)
    with transaction.atomic():
        LOCK.rows(7)
        waiter.start()
        assert waiting.wait(5)
        assert not got.wait(0.2)
        assert User.objects.count() == 0
    waiter.join(5)

    assert got.is_set()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end(pid: int) -> None:
    def end() -> None:
        try:
            Prepared("SELECT pg_terminate_backend(%s, 2000)").rows(pid)
        finally:
            default.close()

    thread = threading.Thread(target=end)
    thread.start()
    thread.join()
