"""
Pages and acts through gunicorn, at 1, 8 and 32 clients, beside a bare view; and queries per page.

Everybody is signed in with a session of the database's, has a past, and asks for their own pages.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from itertools import cycle, islice
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bench import history, http, load, people, report
from bench.report import Case, Ratio
from nexapay.kernel import ids
from wallet.drafts import Seen
from wallet.models import Wallet

CLIENTS = (1, 8, 32)
WALLETS = 200
PAST = 400  # Movements of each wallet.
DEPTH = 12  # Pages.
MOST_QUERIES, P99_MS = 6, 500
MOST_CONFIRMED = 5_000  # A second.
SERVERS: dict[str, Callable[[], AbstractContextManager[http.Site]]] = {
    "gunicorn, ours": http.gunicorn,
    "gunicorn, sync": http.sync,
    "granian": http.granian,
}
# "A bare gunicorn view" may be any of these, so all are measured.
BARE = ("a bare view", "a bare view of Django's", "a bare view behind sync workers")


class Person:
    """Somebody with a session, as their browser would show it."""

    def __init__(self, wallet: Wallet, others: list[Wallet]) -> None:
        self.wallet, self.others, self._random = wallet, others, Random(wallet.pk)  # noqa: S311
        self.csrf = uuid4().hex
        self.session = sign_in(owner(wallet))
        self.cookies = f"{settings.SESSION_COOKIE_NAME}={self.session}; csrftoken={self.csrf}"

    def get(self, path: str) -> bytes:
        """Return a request for a page."""
        return http.get(path, self.cookies)

    def confirm(self) -> bytes:
        """Return the confirmation of a payment that was just reviewed: a fresh token each."""
        key = str(ids.new())
        target = self._random.choice([other for other in self.others if other != self.wallet])
        seen = Seen(
            user_id=self.wallet.owner_id or 0,
            key=key,
            source_id=self.wallet.pk,
            target_id=target.pk,
            amount_minor=1,
            currency=self.wallet.currency,
            note="",
        )
        fields = {"csrfmiddlewaretoken": self.csrf, "token": seen.sign()}
        return http.post(
            f"/send/review/{key}/",
            urlencode(fields).encode(),
            f"Cookie: {self.cookies}",
            "Content-Type: application/x-www-form-urlencoded",
        )


def owner(wallet: Wallet) -> User:
    """Return whose wallet it is."""
    return User.objects.get(wallets=wallet)


def sign_in(user: User) -> str:
    """Make a session of this person's and return its key."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report."""
    report.progress(f"Making {WALLETS} people with {PAST} movements each ...")
    wallets = people.make_rich(WALLETS)
    history.make(wallets, WALLETS * PAST // 2)
    everybody = [Person(wallet, wallets) for wallet in wallets]
    deep = deep_page(everybody[0])
    wanted = {
        "dashboard": lambda person: person.get("/dashboard/"),
        "history": lambda person: person.get("/transactions/"),
        "history, deep": lambda person: person.get(deep),
        "send confirm": Person.confirm,
    }
    queries = {name: count(ask, everybody[0]) for name, ask in PAGES.items()}
    seen: dict[str, http.Answers] = {}
    cases: list[Case] = []
    with http.gunicorn() as site, http.sync() as sync:
        for clients in CLIENTS:
            cases += bare_views(site, sync, clients, seconds)
            for name, ask in wanted.items():
                title = f"{name}, {clients}"
                seen[title] = http.Answers()
                cases.append(Case(title, page(site, everybody, ask, clients, seconds, seen[title])))
        cases = [case for case in cases if only in case.name]
        report.alternate(cases, rounds)
    cases += kinds(everybody, seconds, rounds) if not only else []
    report.finish(
        "pages",
        cases,
        ratios(report.by_name(cases), seen, queries),
        queries=queries,
        p50_ms={name: round(a.percentile(50), 1) for name, a in seen.items() if a.took_ms},
        p99_ms={name: round(a.percentile(99), 1) for name, a in seen.items() if a.took_ms},
    )


def bare_views(
    ours: http.Site, sync: http.Site, clients: int, seconds: float, *, unit: str = ""
) -> list[Case]:
    """Return the measurements of BARE; unit is said behind the number of clients."""
    ports = (ours.bare_port, ours.view_port, sync.bare_port)
    return [
        Case(f"{name}, {clients}{unit}", bare(port, clients, seconds))
        for name, port in zip(BARE, ports, strict=True)
    ]


def bare(port: int, clients: int, seconds: float) -> Callable[[], float]:
    """Return the measurement of a view that does nothing."""
    return lambda: http.rate(port, http.again(http.get("/")), clients, seconds)


def page(
    site: http.Site,
    everybody: list[Person],
    ask: Callable[[Person], bytes],
    clients: int,
    seconds: float,
    answers: http.Answers,
) -> Callable[[], float]:
    """Return the measurement of a page that each client asks for as one person after another."""

    def requests(number: int) -> Iterator[bytes]:
        return map(ask, cycle(everybody[number::clients]))

    def prepared() -> http.Requests:
        """Sign every payment now: while we measure, it would take a core."""
        enough = int(MOST_CONFIRMED * seconds / clients) + 10
        made = [list(islice(requests(number), enough)) for number in range(clients)]
        return lambda number: load.plenty(made[number])

    def measure() -> float:
        asked = prepared() if ask is Person.confirm else requests
        return http.rate(site.port, asked, clients, seconds, answers)

    return measure


def kinds(everybody: list[Person], seconds: float, rounds: int) -> list[Case]:
    """Measure the dashboard and a confirmation with other servers and kinds of workers."""
    found = []
    for kind, serving in SERVERS.items():
        with serving() as site:
            cases = [Case(f"{kind}: a bare view", bare(site.bare_port, 8, seconds))]
            for name, ask in (("dashboard", dashboard), ("send confirm", Person.confirm)):
                answers = http.Answers()
                measure = page(site, everybody, ask, 8, seconds, answers)
                cases.append(Case(f"{kind}: {name}", measure))
            report.alternate(cases, rounds)
            found += cases
    return found


def dashboard(person: Person) -> bytes:
    """Ask for the first page."""
    return person.get("/dashboard/")


def browser(person: Person) -> Browser:
    """Return a client in this process, signed in as the person."""
    found = Browser(headers={"host": "127.0.0.1"})
    found.cookies[settings.SESSION_COOKIE_NAME] = person.session
    return found


def deep_page(person: Person) -> str:
    """
    Return the address of a page twelve pages back, found link by link.

    Of a short history the deepest one that has an older one: the last may have few rows.
    """
    path, older, visitor = "", "/transactions/", browser(person)
    for _ in range(DEPTH + 1):
        path, before = older, path
        found = re.search(r'href="([^"]*cursor=[^"]+)"', visitor.get(path).content.decode())
        if not found:
            return before or path
        older = "/transactions/" + found[1].replace("&amp;", "&").rpartition("/")[2]
    return path


def review(person: Person) -> Any:
    """Fill the form in, and look at the review page."""
    visitor, key = browser(person), str(ids.new())
    payee = owner(person.others[-1])
    fields = {"to": f"@{payee.handle}", "amount": "1", "note": "", "idempotency_key": key}
    visitor.post("/send/", fields)
    return lambda: visitor.get(f"/send/review/{key}/")


def opened(path: str) -> Callable[[Person], Any]:
    """Return what opens a page."""
    return lambda person: lambda: browser(person).get(path)


def receipt(person: Person) -> Any:
    """Open the receipt of the newest movement."""
    found = person.wallet.transfers_out.latest("pk")
    return lambda: browser(person).get(f"/transactions/{found.public_id}/")


def amount(person: Person) -> Any:
    """Open the page that asks how much."""
    payee = owner(person.others[-1])
    return lambda: browser(person).get(f"/send/?to=@{payee.handle}")


PAGES: dict[str, Callable[[Person], Any]] = {
    "dashboard": opened("/dashboard/"),
    "history": opened("/transactions/"),
    "receipt": receipt,
    "send": opened("/send/"),
    "send, search": opened("/send/people/?q=bench1"),
    "send, amount": amount,
    "send, review": review,
    "add money": opened("/add-money/"),
    "settings": opened("/settings/"),
    "profile": opened("/settings/profile/"),
}


def count(prepare: Callable[[Person], Any], person: Person) -> int:
    """Return how many queries a page runs, the session's and the person's own included."""
    visit = prepare(person)
    with CaptureQueriesContext(connection) as context:
        answer = visit()
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.request['PATH_INFO']} answered {answer.status_code}.")
    return len(context)


def ratios(
    measured: dict[str, Case], seen: dict[str, http.Answers], queries: dict[str, int]
) -> list[Ratio]:
    """Return what we want of what was measured."""
    found = []
    for clients in (8, 32):
        confirm = measured.get(f"send confirm, {clients}")
        others = [measured.get(f"{view}, {clients}") for view in BARE]
        found += [Ratio.between(confirm, other, 0.12) for other in others if confirm and other]
    found += [
        Ratio(f"p99 of {name} clients, ms", answers.percentile(99), P99_MS, at_most=True)
        for name, answers in seen.items()
        if name.endswith(" 32") and answers.took_ms
    ]
    found += [
        Ratio(f"queries of {name}", number, MOST_QUERIES, at_most=True)
        for name, number in queries.items()
    ]
    return found
