"""The keyset pages of the history, and the people that are found in it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.factories import fund, make_wallet, send
from tests.wallet.pages import ananya, kabir, owner
from tests.wallet.support import bank, movement, post, without_onramps
from wallet import activity, people, selectors
from wallet.models import Transfer

pytestmark = pytest.mark.django_db
CLOCK = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TestPages:
    def test_cover_every_movement_once_in_order_whatever_their_size(self) -> None:
        ana, ben = ananya(), kabir()
        sent = [send(ana, ben, 100 + n, at=CLOCK + timedelta(seconds=n // 3)) for n in range(11)]

        for size in (1, 2, 3, 20):
            rows: list[activity.Row] = []
            cursor = ""
            while True:
                page = activity.page(wallet_id=ben.pk, cursor=cursor, size=size)
                rows += page.rows
                if not (cursor := page.next_cursor):
                    break
            assert [row.uid for row in rows] == [t.public_id for t in reversed(sent)]

    def test_are_not_moved_by_what_happens_meanwhile(self) -> None:
        ana, ben = ananya(), kabir()
        for n in range(4):
            send(ana, ben, 100 + n)
        first = activity.page(wallet_id=ben.pk, size=2)
        send(ana, ben, 999)

        second = activity.page(wallet_id=ben.pk, cursor=first.next_cursor, size=2)

        assert [row.amount_minor for row in second.rows] == [101, 100]


class TestContacts:
    def test_are_the_people_of_the_newest_movements_latest_first(self) -> None:
        ana, ben, meera = ananya(), kabir(), make_wallet(balance_minor=900, name="Meera Iyer")
        send(ana, ben, 250, at=CLOCK)
        send(meera, ana, 300, at=CLOCK + timedelta(hours=1))

        found = people.contacts(wallet_id=ana.pk)

        assert [contact.person.name for contact in found] == ["Meera Iyer", "Kabir Mehta"]
        assert [contact.last_paid_minor for contact in found] == [0, 250]

    def test_leave_out_banks_and_closed_accounts(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 250)
        User.objects.filter(pk=owner(ben).pk).update(is_active=False)

        assert people.contacts(wallet_id=ana.pk) == []


class TestSearch:
    def test_puts_recent_people_first_even_when_many_others_match(self) -> None:
        ana = ananya()
        for number in range(12):
            make_wallet(name=f"Priya {number:02}")
        known = make_wallet(name="Priya Zaveri")
        send(ana, known, 100)

        found = people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query="priya")

        assert len(found) == 8
        assert found[0].name == "Priya Zaveri"

    def test_puts_the_exact_handle_before_everybody(self) -> None:
        ana, ben = ananya(), make_wallet(name="Kabir Anand", handle="kabir.a")
        send(ana, ben, 100)
        kabir()

        found = people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query="@kabir")

        assert [payee.handle for payee in found] == ["kabir", "kabir.a"]

    @pytest.mark.parametrize("typed", ["9845064407", "+91 98450 64407", "098450-64407"])
    def test_shows_the_phones_ending_to_who_typed_the_whole_number(self, typed: str) -> None:
        ana = ananya()
        kabir()

        found = people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query=typed)

        assert [payee.phone_ending for payee in found] == ["4407"]

    def test_hides_the_phones_ending_from_who_never_paid_them(self) -> None:
        ana, ben = ananya(), kabir()
        assert people.search(wallet_id=ana.pk, user_id=1, query="kab")[0].phone_ending == ""

        send(ana, ben, 100)

        found = people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query="kab")
        assert (found[0].phone_ending, found[0].times_paid) == ("4407", 1)

    def test_counts_what_was_sent_and_not_what_staff_put_right(self) -> None:
        without_onramps()
        ana, ben, source = ananya(), kabir(), bank()
        send(ana, ben, 100)
        post(movement(source, ben, kind=Transfer.Kind.CORRECTION, actor_id=ana.owner_id))

        [found] = people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query="kab")
        assert found.times_paid == 1

    def test_counts_for_each_what_they_were_sent(self) -> None:
        ana, ben, cem = ananya(), kabir(), make_wallet(name="Kabita Das", handle="kabita")
        for payee in (ben, ben, cem):
            send(ana, payee, 100)
        send(cem, ben, 10)

        found = people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query="kab")

        assert {payee.handle: payee.times_paid for payee in found} == {"kabir": 2, "kabita": 1}

    def test_being_paid_by_somebody_shows_nothing_of_their_phone(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100)

        found = people.search(wallet_id=ben.pk, user_id=owner(ben).pk, query="ananya")

        assert [(payee.name, payee.phone_ending) for payee in found] == [("Ananya Rao", "")]

    def test_reads_three_times_however_many_it_finds(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ana = ananya()
        for number in range(12):
            send(ana, make_wallet(name=f"Priya {number:02}"), 100)
        user_id = owner(ana).pk

        with django_assert_max_num_queries(3):
            people.search(wallet_id=ana.pk, user_id=user_id, query="priya")


class TestBalanceLine:
    def test_says_what_was_held_at_the_end_of_each_day(self) -> None:
        ana = ananya(balance_minor=0)
        now = timezone.now()
        fund(ana, 700, at=now - timedelta(days=2))
        fund(ana, 300, at=now)

        line = selectors.balance_line(wallet=ana, days=4, now=now)

        assert line == [0, 700, 700, 1_000]
