"""
People with browsers: they sign up, pay and add money through the pages, as anybody does.

Every request that may move money is noted before it is sent and after it is answered. What an
answer means is read as a person would read it: the address of a receipt, "Nothing was sent".
"""

import html
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from secrets import token_urlsafe
from threading import Barrier, Event, Thread
from time import monotonic, sleep
from typing import TypeVar

import httpx

from bench.torture.records import Act, Outcome, Records

TIMEOUT = httpx.Timeout(3, connect=1)  # Less than a stopped database takes, so answers get lost.
PASSWORD = token_urlsafe()  # Of people who live for one run.
RICH_MINOR, POOR_MINOR = 9_000_000, 20_000
POOR = 2  # So many have little: they keep trying to spend more than they have.
LONGEST_SEND_MINOR = 10_000
BANKS = ("banyan", "harbour", "lotus")
_RECEIPT = re.compile(r"/transactions/([0-9a-f-]{36})/")
_BANK_PAGE = re.compile(r"/bank/pay/([A-Za-z0-9_-]+)/")
_REST_S = 0.05
T = TypeVar("T")


class Unready(Exception):
    """A step before the money did not go as it should; nothing was asked for."""


@dataclass(frozen=True)
class Form:
    """A page that is filled in and waits for its button."""

    path: str
    fields: dict[str, str]


def hidden(page: httpx.Response, name: str) -> str:
    """
    Return the value of a hidden field.

    :raises Unready: if the page has none, as an error page.
    """
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    if found is None:
        raise Unready(f"{page.status_code} without {name}")
    return html.unescape(found[1])


class Person:
    """One browser that one person is signed in with. Any thread may use it."""

    def __init__(self, address: str, handle: str, records: Records) -> None:
        self.handle = handle
        self.records = records
        self._http = httpx.Client(base_url=address, timeout=TIMEOUT, trust_env=False)
        self._forms: dict[str, Form] = {}

    def close(self) -> None:
        """Close the browser."""
        self._http.close()

    def sign_up(self) -> None:
        """Make the account, and be signed in."""
        page = self._http.get("/accounts/signup/", timeout=30)
        fields = {"name": f"Client {self.handle}", "handle": self.handle, "password": PASSWORD}
        fields |= {"email": f"{self.handle}@torture.example", "phone": ""}
        answer = self._submit(page, "/accounts/signup/", fields, timeout=30)
        if answer.status_code not in (302, 303):
            raise Unready(f"sign-up was answered {answer.status_code}")

    # Sending

    def review(self, payee: str, amount_minor: int) -> Act:
        """Fill the form in, up to the page with the button; nothing is asked for yet."""
        page = self._http.get("/send/", params={"to": f"@{payee}"})
        key = hidden(page, "idempotency_key")
        note = f"torture {key}"
        fields = {"to": f"@{payee}", "amount": _typed(amount_minor), "note": note}
        fields["idempotency_key"] = key
        if self._submit(page, "/send/", fields).status_code != 303:
            raise Unready("the payment was not taken to its review")
        path = f"/send/review/{key}/"
        seen = self._http.get(path)
        token = {"token": hidden(seen, "token")}
        token["csrfmiddlewaretoken"] = hidden(seen, "csrfmiddlewaretoken")
        send = self.records.new_send(self.handle, payee, amount_minor, key=key, note=note)
        self._forms[key] = Form(path, token)
        return send

    def confirm(self, send: Act) -> None:
        """Press the button; again and again, it stays the same payment."""
        form = self._forms[send.key]
        with self.records.trying(send) as tried:
            answer = self._http.post(form.path, data=form.fields)
            found = _RECEIPT.search(answer.headers.get("location", ""))
            if answer.status_code == 303 and found:
                tried.judge(Outcome.ACKED, receipt=found[1])
            elif "Nothing was sent" in answer.text or answer.status_code == 403:
                tried.judge(Outcome.REFUSED, why=str(answer.status_code))
            else:
                tried.judge(Outcome.UNKNOWN, why=str(answer.status_code))

    # Adding money

    def ask_bank(self, bank: str, least_minor: int = 0, *, due: bool = True) -> Act:
        """Ask for money; the site names it by a token, which leads to the bank's page."""
        page = self._http.get("/add-money/")
        credit = self.records.new_credit(self.handle, least_minor, due=due)
        fields = {"amount": _typed(credit.amount_minor), "bank": bank}
        fields["idempotency_key"] = hidden(page, "idempotency_key")
        answer = self._submit(page, "/add-money/", fields)
        found = _BANK_PAGE.search(answer.headers.get("location", ""))
        if found is None:
            raise Unready("the bank's page was not reached")
        self.records.name(credit, found[1])
        return credit

    def approve(self, credit: Act, mode: str = "now") -> None:
        """Approve at the bank's own page; from then on the bank owes the site a webhook."""
        path = f"/bank/pay/{credit.token}/"
        if credit.key not in self._forms:
            page = self._http.get(path)
            fields = {"decision": "approve", "mode": mode}
            fields["csrfmiddlewaretoken"] = hidden(page, "csrfmiddlewaretoken")
            self._forms[credit.key] = Form(path, fields)
        with self.records.trying(credit) as tried:
            answer = self._http.post(path, data=self._forms[credit.key].fields)
            is_done = answer.status_code == 303
            tried.judge(Outcome.ACKED if is_done else Outcome.UNKNOWN, why=str(answer.status_code))

    def retry(self, act: Act) -> None:
        """Ask again for what nobody knows the outcome of."""
        if act.kind == "send":
            self.confirm(act)
        else:
            self.approve(act)

    def _submit(
        self, page: httpx.Response, path: str, fields: dict[str, str], timeout: float = 3
    ) -> httpx.Response:
        token = {"csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken")}
        return self._http.post(path, data=fields | token, timeout=timeout)


def _typed(amount_minor: int) -> str:
    """Return an amount as a person types it."""
    return f"{amount_minor // 100}.{amount_minor % 100:02}"


class Load:
    """Everybody at it at once, a thread each, until told to stop."""

    def __init__(self, acts: list[Callable[[], None]]) -> None:
        self._stop = Event()
        self._threads = [Thread(target=self._run, args=(act,), daemon=True) for act in acts]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let everybody finish what is under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, act: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                act()
            except (httpx.HTTPError, Unready):
                self._stop.wait(_REST_S)


def habits(
    person: Person, others: list[str], random: Random, pay_in: Callable[[Person], None]
) -> Callable[[], None]:
    """Return what a person does, over and over: mostly send, at times add money."""

    def act() -> None:
        chance = random.random()
        if chance < 0.06:
            person.approve(person.ask_bank(random.choice(BANKS)), random.choice(("now", "twice")))
        elif chance < 0.12:
            pay_in(person)
        else:
            amount_minor = random.randint(1, LONGEST_SEND_MINOR)
            person.confirm(person.review(random.choice(others), amount_minor))

    return act


def at_once(tasks: Sequence[Callable[[], T]]) -> list[T | None]:
    """Do all of them at the same time; None stands for what the connection was lost for."""
    barrier = Barrier(len(tasks))

    def one(task: Callable[[], T]) -> T | None:
        barrier.wait()
        with suppress(httpx.HTTPError):
            return task()
        return None

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(one, tasks))


def until(condition: Callable[[], bool], limit_s: float, pause_s: float = 0.02) -> bool:
    """Return as soon as the condition holds, or False when it has not within limit_s."""
    deadline = monotonic() + limit_s
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(pause_s)
    return True
