"""Whom a wallet deals with: for those who pay again, and for those who look for somebody."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from accounts import selectors as accounts
from accounts.models import User
from wallet.models import Entry, Transfer

QUERY_MIN_LENGTH = accounts.QUERY_MIN_LENGTH
_RECENT_ENTRIES = 100  # How far back "recent" looks: one range of one index, however long the past.


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Somebody this wallet dealt with. last_paid_minor is in minor units of currency."""

    person: User
    last_paid_minor: int = 0
    last_paid_at: datetime | None = None
    currency: str = ""


@dataclass(frozen=True, kw_only=True)
class Payee:
    """Somebody one may pay. phone_ending is empty for those who may not see it."""

    name: str
    first_name: str
    handle: str
    phone_ending: str
    times_paid: int


def contacts(*, wallet_id: int) -> list[Contact]:
    """Return the people of the wallet's newest hundred movements, the latest first."""
    recent = Entry.objects.filter(wallet_id=wallet_id).select_related(
        "transfer__source__owner", "transfer__target__owner"
    )
    found: dict[int, Contact] = {}
    for entry in recent.order_by("-happened_at", "-version")[:_RECENT_ENTRIES]:
        is_out = entry.delta_minor < 0
        person = (entry.transfer.target if is_out else entry.transfer.source).owner
        if person is None or not person.is_active:
            continue
        known = found.setdefault(person.pk, Contact(person=person))
        if is_out and known.last_paid_at is None:
            found[person.pk] = Contact(
                person=person,
                last_paid_minor=-entry.delta_minor,
                last_paid_at=entry.happened_at,
                currency=entry.currency,
            )
    return list(found.values())


def search(*, wallet_id: int, user_id: int, query: str, limit: int = 8) -> list[Payee]:
    """Return at most limit people that query finds: an exact handle, then recent ones first."""
    recent = [contact.person for contact in contacts(wallet_id=wallet_id)]
    places = {p.pk: place for place, p in enumerate(recent) if _matches(p, query)}
    found = accounts.find_people(query=query, exclude_id=user_id, limit=limit, prefer=list(places))
    handle = query.removeprefix("@").lower()
    found.sort(key=lambda p: (p.handle != handle, p.pk not in places, places.get(p.pk, 0)))
    return describe(wallet_id=wallet_id, user_id=user_id, people=found, typed=query)


def describe(*, wallet_id: int, user_id: int, people: Iterable[User], typed: str) -> list[Payee]:
    """Return the people as this user, the wallet's owner, may see them."""
    people = list(people)
    times = _times_paid(wallet_id, user_id, [person.pk for person in people])
    return _as_seen(people, times, typed=typed)


def _as_seen(people: Iterable[User], times: dict[int, int], *, typed: str) -> list[Payee]:
    """Show the phone's ending to those who have paid the person, or typed the whole number."""
    return [
        Payee(
            name=person.name,
            first_name=person.first_name,
            handle=person.handle,
            phone_ending=person.phone_ending
            if person.pk in times or _is_phone_of(person, typed)
            else "",
            times_paid=times.get(person.pk, 0),
        )
        for person in people
    ]


def _times_paid(wallet_id: int, user_id: int, people: list[int]) -> dict[int, int]:
    """Return how often the user paid each of these people from the wallet, if ever."""
    # All that they sent is read, from the index transfer_key_once_per_actor alone. One of pairs
    # would read less, and cost each payment a page of its own (docs/decisions/0048).
    paid = Transfer.objects.filter(actor_id=user_id, source_id=wallet_id)
    paid = paid.filter(target__owner_id__in=people).order_by()
    return dict(paid.values_list("target__owner_id").annotate(times=Count("*")))


def _matches(person: User, query: str) -> bool:
    """Say whether find_people would find the person by handle or name."""
    word = query.removeprefix("@").lower()
    if len(word) < QUERY_MIN_LENGTH:
        return False
    if person.handle.startswith(word):
        return True
    return not query.startswith("@") and f" {query.lower()}" in f" {person.name.lower()}"


def _is_phone_of(person: User, typed: str) -> bool:
    """Say whether typed is the person's whole number: the country's code, at most, is left out."""
    if not person.phone or re.search(r"[^0-9+() -]", typed):
        return False
    digits = re.sub(r"[^0-9]", "", typed).lstrip("0")
    return len(digits) >= len(person.phone) - 4 and person.phone.endswith(digits)
