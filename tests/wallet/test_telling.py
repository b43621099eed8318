"""Who is told of money that moves: in its own transaction, once, as it was."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from accounts.models import Notice, User
from tests.factories import fund, make_wallet, send
from tests.wallet.pages import ananya, kabir, owner
from tests.wallet.support import bank, movement, post, without_onramps
from wallet.models import Transfer, Wallet
from wallet.services import InsufficientFunds

pytestmark = pytest.mark.django_db


def told(wallet: Wallet) -> list[tuple[Any, ...]]:
    """Return what the owner was told, oldest first."""
    found = Notice.objects.filter(user=owner(wallet)).order_by("pk")
    return list(found.values_list("kind", "who", "amount_minor", "currency", "subject"))


class TestAPayment:
    def test_is_told_to_who_was_paid(self) -> None:
        ana, ben = ananya(), kabir()

        paid = send(ana, ben, 250)

        assert told(ben) == [("received", "Ananya Rao", 250, "INR", paid.public_id)]
        assert Notice.objects.get(user=owner(ben)).happened_at == paid.happened_at

    def test_is_not_told_to_who_paid(self) -> None:
        ana = ananya()

        send(ana, kabir(), 250)

        assert [kind for kind, *_ in told(ana)] == ["added"]

    def test_keeps_the_payers_name_as_it_was_then(self) -> None:
        ana, ben = ananya(), kabir()
        User.objects.filter(pk=owner(ana).pk).update(name="Ananya Sen")
        send(ana, ben, 250)

        User.objects.filter(pk=owner(ana).pk).update(name="A. Sen")

        assert told(ben)[0][1] == "Ananya Sen"

    def test_is_told_once_when_its_key_comes_twice(self) -> None:
        ana, ben, key = ananya(), kabir(), uuid4()

        send(ana, ben, 250, key=key)
        send(ana, ben, 250, key=key)

        assert len(told(ben)) == 1

    def test_that_is_refused_is_not_told(self) -> None:
        ana, ben = ananya(balance_minor=100), kabir()

        with pytest.raises(InsufficientFunds):
            send(ana, ben, 250)

        assert told(ben) == []

    def test_waits_to_be_mailed_to_who_has_an_address(self) -> None:
        ana = ananya()
        send(ana, kabir(), 250)
        send(ana, make_wallet(email="meera@example.com"), 250)

        found = Notice.objects.filter(kind="received").order_by("pk")
        assert [(each.mail_status, each.mail_at is None) for each in found] == [
            ("none", True),
            ("waiting", False),
        ]


class TestOtherMoney:
    def test_from_a_bank_is_told_with_the_banks_name(self) -> None:
        ana = make_wallet()

        credit = fund(ana, 5_000)

        assert told(ana) == [("added", "Banyan Bank", 5_000, "INR", credit.public_id)]

    def test_that_is_undone_before_its_commit_is_not_told(self) -> None:
        ana = make_wallet()

        with transaction.atomic():
            fund(ana, 5_000)
            assert len(told(ana)) == 1
            transaction.set_rollback(True)

        assert told(ana) == []

    def test_that_moves_in_one_statement_is_told_to_each(self) -> None:
        without_onramps()
        people = [make_wallet() for _ in range(3)]
        source = bank()

        post(*[movement(source, person, 10 + n) for n, person in enumerate([*people, people[0]])])

        assert [[amount for _, _, amount, *_ in told(person)] for person in people] == [
            [10, 13],
            [11],
            [12],
        ]

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [("payout", "withdrawn"), ("return", "returned"), ("hold", None), ("release", None)],
    )
    def test_to_a_bank_and_back_is_told_and_holds_are_not(
        self, kind: str, expected: str | None
    ) -> None:
        person, other = make_wallet(), bank()
        ends = (person, other) if kind == "payout" else (other, person)
        public_id = uuid4()

        move_past_the_books(kind, *ends, public_id)

        assert told(person) == (
            [(expected, "Banyan Bank", 700, "INR", public_id)] if expected else []
        )

    def test_is_told_here_whatever_stands_in_the_way(self) -> None:
        ana, ben = ananya(), kabir()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE accounts_notice (LIKE public.accounts_notice)")
            cursor.execute("CREATE TEMP TABLE accounts_user (LIKE public.accounts_user)")
            send(ana, ben, 250)
            cursor.execute("DROP TABLE pg_temp.accounts_notice, pg_temp.accounts_user")

        assert len(told(ben)) == 1


def move_past_the_books(kind: str, source: Wallet, target: Wallet, public_id: UUID) -> None:
    """Have the trigger hear of a transfer of any kind, by way of a table that looks like theirs."""
    table = Transfer._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE moved (LIKE {table} INCLUDING IDENTITY) ON COMMIT DROP")
        cursor.execute(
            "CREATE TRIGGER told AFTER INSERT ON moved REFERENCING NEW TABLE AS fresh"
            " FOR EACH STATEMENT EXECUTE FUNCTION wallet_tell()"
        )
        cursor.execute(
            "INSERT INTO moved (public_id, kind, source_id, target_id, amount_minor, currency,"
            " idempotency_key, fingerprint, note, happened_at, posted_at)"
            " VALUES (%s, %s, %s, %s, 700, 'INR', %s, '', '', now(), now())",
            [public_id, kind, source.pk, target.pk, uuid4()],
        )
