"""Finding whom to pay, and nobody else."""

from typing import Any

import pytest
from django.db import connection

from accounts import selectors
from accounts.models import User
from tests.factories import make_user


@pytest.fixture
def kabir() -> User:
    return make_user(
        "Kabir Mehta", handle="kabir", phone="+919845068214", email="kabir@example.com"
    )


def found(query: str, **options: Any) -> list[str]:
    people = selectors.find_people(**{"query": query, "exclude_id": 0, **options})
    return [person.handle for person in people]


def find_person(text: str) -> User | None:
    """Take the first that is named, as whoever pays does."""
    return next((p for people in selectors.named(text=text) if (p := people.first())), None)


class TestFindPeople:
    @pytest.mark.parametrize(
        "query",
        [
            *("kab", "KAB", "@kab", "@Kabir", "Kabir Mehta", "kabir me", "meh", " mehta "),
            *("98450 68214", "+919845068214", "0091-98450-68214", "Kabir@Example.com"),
        ],
    )
    def test_finds_by_handle_word_of_the_name_whole_phone_or_whole_email(
        self, kabir: User, query: str
    ) -> None:
        assert found(query) == ["kabir"]

    @pytest.mark.parametrize(
        "query",
        [
            *("", " ", "k", "@", "@k", "ehta", "bir", "@mehta"),
            *("9845", "98450 6821", "68214", "+91", "kabir@", "kabir@example.co", "example.com"),
        ],
    )
    def test_never_finds_by_a_part_of_a_phone_or_an_email_or_the_inside_of_a_word(
        self, kabir: User, query: str
    ) -> None:
        assert found(query) == []

    @pytest.mark.parametrize("query", ["%%", "__", "k%r", "ka_ir", "\\\\", "@k%", "% ", "%me"])
    def test_takes_wildcards_for_the_characters_they_are(self, kabir: User, query: str) -> None:
        assert found(query) == []

    def test_finds_an_underscore_where_there_is_one(self, kabir: User) -> None:
        make_user(handle="k_2")

        assert found("k_2") == ["k_2"]

    @pytest.mark.parametrize(
        "query",
        ["ka\0bir", "ka\nbir", "ka\ud800", "\u202ekabir", "k" * 100_000, "<script>", "' OR 1=1 --"],
    )
    def test_finds_nobody_by_what_is_no_name(self, kabir: User, query: str) -> None:
        assert found(query) == []

    def test_puts_the_exact_handle_first_and_then_goes_by_name(self) -> None:
        for name, handle in [
            ("Zara", "ana"),
            ("anand", "anand"),
            ("Anaya", "x.a"),
            ("Ana", "ana.b"),
        ]:
            make_user(name, handle=handle)

        assert found("ana") == ["ana", "ana.b", "anand", "x.a"]

    def test_finds_any_script(self) -> None:
        make_user("मीरा अय्यर", handle="meera")

        assert found("अय्य") == ["meera"]

    def test_leaves_out_who_asks(self, kabir: User) -> None:
        assert found("kabir", exclude_id=kabir.pk) == []

    def test_leaves_out_closed_accounts(self, kabir: User) -> None:
        User.objects.update(is_active=False)

        assert found("kabir") == found("9845068214") == []

    def test_leaves_out_accounts_that_are_only_for_staff(self) -> None:
        User.objects.create_superuser("kabir.ops", "x", name="Kabir Ops")

        assert found("kabir") == []

    def test_finds_at_most_as_many_as_asked_for(self) -> None:
        for number in range(12):
            make_user(f"Kabir {number:02d}")

        assert len(found("kabir")) == 8
        assert len(found("kabir", limit=3)) == 3

    @pytest.mark.parametrize(
        ("lookup", "index"),
        [
            ({"handle__startswith": "kab"}, "accounts_user_handle_"),
            ({"name__istartswith": "kab"}, "user_name_search"),
            ({"name__icontains": " kab"}, "user_name_search"),
            ({"phone": "+919845068214"}, "accounts_user_phone_"),
            ({"email": "kabir@example.com"}, "accounts_user_email_"),
        ],
    )
    def test_has_an_index_for_each_thing_it_looks_at(
        self, lookup: dict[str, str], index: str
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # So few would be read one by one.

        assert index in User.objects.filter(**lookup).explain()


class TestFindPerson:
    @pytest.mark.parametrize(
        "text",
        ["@kabir", "kabir", "@KABIR", "98450 68214", "+919845068214", "KABIR@example.com"],
    )
    def test_knows_a_person_by_handle_phone_or_email(self, kabir: User, text: str) -> None:
        assert find_person(text) == kabir

    @pytest.mark.parametrize(
        "text", ["", "@", "@kab", "Kabir Mehta", "9845", "@9845068214", "kabir@", "\0", "k" * 999]
    )
    def test_knows_nobody_by_less(self, kabir: User, text: str) -> None:
        assert find_person(text) is None

    def test_does_not_know_closed_accounts(self, kabir: User) -> None:
        User.objects.update(is_active=False)

        assert find_person("@kabir") is None
