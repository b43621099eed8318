"""The stories of docs/money.md, executed line by line."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from django.db.models import Sum
from django.utils import timezone

from nexapay.kernel import money
from onramp import banks
from onramp import services as onramp_services
from onramp.models import Break, Correction, OffRampTransaction, OnRampTransaction
from tests.factories import available, hold, make_wallet, release, send
from tests.onramp import cases, statements
from tests.onramp.offramps import submitted, word
from tests.onramp.support import post
from wallet import audit, services
from wallet.models import Entry, Hold, Wallet

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[2] / "docs" / "money.md").read_text(encoding="utf-8")
STORIES = re.findall(r"```story\n(.*?)```", PAGE, re.DOTALL)
LINES: list[tuple[str, Callable[..., None]]] = []
_KEYS = UUID(int=1)


def line(pattern: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def keep(act: Callable[..., None]) -> Callable[..., None]:
        LINES.append((pattern, act))
        return act

    return keep


def minor(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * money.parse(text.removeprefix("-"), "INR")


class Story:
    """People by name, and the on-ramp, the hold and the withdrawal that are under way."""

    def __init__(self) -> None:
        self.people: dict[str, Wallet] = {}
        self.onramp: OnRampTransaction | None = None
        self.hold: Hold | None = None
        self.offramp: OffRampTransaction | None = None

    def wallet(self, name: str) -> Wallet:
        if name not in self.people:
            self.people[name] = make_wallet(name=name)
        return self.people[name]

    def tell(self, text: str) -> None:
        for pattern, act in LINES:
            if found := re.fullmatch(pattern, text):
                act(self, *found.groups())
                return
        pytest.fail(f"no step is written for: {text}")


@line(r"(\w+) asks (.+) for ([\d.]+)")
def asks(story: Story, name: str, bank: str, amount: str) -> None:
    wallet = story.wallet(name)
    code = next(code for code, choice in banks.CHOICES.items() if choice.name == bank)
    story.onramp = onramp_services.start_onramp(
        actor_id=wallet.owner_id or 0,
        wallet_id=wallet.pk,
        amount_minor=minor(amount),
        bank=code,
        idempotency_key=uuid4(),
        now=timezone.now(),
    )


@line(r"The bank (approves|declines)(?:: answered (\d+))?")
def decides(story: Story, decision: str, expected: str | None) -> None:
    assert story.onramp is not None
    data = {
        "token": story.onramp.token,
        "amount_minor": story.onramp.amount_minor,
        "currency": story.onramp.currency,
        "bank_reference": story.onramp.public_id.hex,
        "reason": None if decision == "approves" else "declined",
    }
    kind = "onramp.success" if decision == "approves" else "onramp.failure"
    message = {"type": kind, "timestamp": timezone.now().isoformat(), "data": data}
    answer = onramp_services.record_bank_event(
        bank="simbank",
        event_id=uuid4().hex,
        body=json.dumps(message).encode(),
        headers={},
        now=timezone.now(),
    )
    assert answer.status == int(expected or 200)


@line(r"The bank's statement lists ([\d.]+): (.+)")
def lists(story: Story, amount: str, expected: str) -> None:
    assert story.onramp is not None
    now = timezone.now()
    for days in (-1, 1):  # Near midnight nothing is missing until these have come.
        day = timezone.localdate(now) + timedelta(days=days)
        statements.reconcile(day=day, now=now + timedelta(days=3))
    said: dict[str, Any] = {"bank_reference": story.onramp.public_id.hex, "booked_at": now}
    said_line = statements.listed(story.onramp, amount_minor=minor(amount), **said)
    statements.reconcile(said_line, day=timezone.localdate(now), now=now + timedelta(days=3))
    assert Break.objects.get(status="open").get_kind_display().lower() == expected


@line(r"Staff correct it, (one alone|two of them)(?:: refused, (\w+))?")
def correct(story: Story, who: str, refusal: str | None) -> None:
    found = Correction.objects.filter(status="proposed").first()
    case = Break.objects.get(status="open")
    correction = found or cases.propose(case, abs(case.difference_minor))
    by = correction.maker if who == "one alone" else None
    if refusal:
        with pytest.raises(getattr(onramp_services, refusal)):
            cases.approve(correction, by)
    else:
        cases.approve(correction, by)


@line(r"(\w+) adds ([\d.]+) from (.+)")
def adds(story: Story, name: str, amount: str, bank: str) -> None:
    asks(story, name, bank, amount)
    decides(story, "approves", None)


@line(r'(\w+) sends ([\d.]+) to (\w+)(?: for "(.*)")?(?:, key (\d+))?(?:: refused, (\w+))?')
def sends(
    story: Story,
    name: str,
    amount: str,
    payee: str,
    note: str | None,
    number: str | None,
    refusal: str | None,
) -> None:
    source, target = story.wallet(name), story.wallet(payee)
    key = uuid5(_KEYS, number) if number else uuid4()

    def act() -> None:
        send(source, target, minor(amount), key=key, note=note or "")

    if refusal is None:
        act()
    else:
        with pytest.raises(getattr(services, refusal)):
            act()


@line(r"([\d.]+) of (\w+)'s money is put on hold")
def holds(story: Story, amount: str, name: str) -> None:
    story.hold = hold(story.wallet(name), minor(amount))


@line(r"([\d.]+) of the hold is released")
def releases(story: Story, amount: str) -> None:
    assert story.hold
    release(story.hold, minor(amount))


@line(r"(\w+) withdraws ([\d.]+)(?:: refused, (\w+))?")
def withdraws(story: Story, name: str, amount: str, refusal: str | None) -> None:
    wallet = story.wallet(name)
    if refusal is None:
        story.offramp = submitted(wallet, amount_minor=minor(amount))
    else:
        with pytest.raises(getattr(onramp_services, refusal)):
            submitted(wallet, amount_minor=minor(amount))


@line(r"The bank (pays|refuses|sends) the withdrawal(?: back)?")
def ends(story: Story, decision: str) -> None:
    assert story.offramp
    kind = {"pays": "success", "refuses": "failure", "sends": "returned"}[decision]
    assert post(word(story.offramp, kind)).status_code == 200


@line(r"Staff (freeze|thaw) (\w+)")
def freezes(story: Story, deed: str, name: str) -> None:
    status = Wallet.Status.FROZEN if deed == "freeze" else Wallet.Status.ACTIVE
    services.set_status(wallet_id=story.wallet(name).pk, status=status)


@line(r"(.+) has (-?[\d.]+)")
def has(story: Story, name: str, amount: str) -> None:
    if " " in name:
        entries = Entry.objects.filter(wallet__name=name, wallet__kind="settlement")
        assert entries.aggregate(held=Sum("delta_available_minor"))["held"] == minor(amount)
    else:
        assert available(story.wallet(name)) == minor(amount)


@line(r"The books agree")
def agrees(story: Story) -> None:
    assert audit.run(clock=timezone.now).findings == []


def test_the_page_has_stories() -> None:
    assert len(STORIES) >= 6


@pytest.mark.parametrize("text", STORIES, ids=lambda text: text.splitlines()[0])
def test_story_holds(text: str) -> None:
    story = Story()
    for step in text.splitlines():
        story.tell(step)
