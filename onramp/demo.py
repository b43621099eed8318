"""
Demo people with months of history, made by the same services that real people use.

Every act has a fixed idempotency key, so that seeding again, or after a crash half way, adds
nothing twice.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import cast
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password

from accounts import services as accounts_services
from accounts.models import User
from onramp import services
from onramp.banks import Bank, Payout, PayoutReport, PayoutState
from onramp.models import OffRampTransaction, OnRampTransaction
from wallet import selectors
from wallet import services as wallet_services
from wallet.models import Wallet

PASSWORD = "demo-pass-2026"  # noqa: S105  # Printed at every start, for people who look around.
REFERENCE = "DEMO-"  # What the bank's references of this story begin with.
_KEYS = UUID("6d0f7d0e-5a0e-4c43-9a0e-0d9c2f1b7a11")
_DAYS = 180


@dataclass(frozen=True)
class Persona:
    """Somebody to sign in as."""

    name: str
    handle: str
    phone: str
    is_staff: bool = False

    @property
    def email(self) -> str:
        """An address that can never receive mail."""
        return f"{self.handle}@demo.nexapay.example"


PERSONAS = [
    Persona("Ananya Rao", "ananya", "+919845068214"),
    Persona("Kabir Mehta", "kabir", "+919820044407"),
    Persona("Meera Iyer", "meera", "+919884012345"),
    Persona("Rohan Das", "rohan", "+919830055501"),
    Persona("Farah Khan", "farah", "+919900077612"),
    Persona("Devika Nair", "devika", "+919947033218"),
    Persona("Arjun Sethi", "arjun", "+919810066590"),
    Persona("Nila Bose", "nila", "+919871100008"),
    Persona("Staff", "staff", "+919800000001", is_staff=True),
    Persona("Second staff", "staff2", "+919800000002", is_staff=True),  # Corrections take two.
]
_BUSY = [persona.handle for persona in PERSONAS[:7]]
_NOTES = ["Dinner at Toit", "Cab", "Goa tickets", "Birthday gift", "Groceries", "Coffee", "Movie",
          "Badminton court", "Electricity", "Books", "Workshop fee", "Lunch 🍜", ""]  # fmt: skip
# On these days ago somebody withdraws to an account that ends so; 0000 fails, as at the bank.
_WITHDRAWN = {96: ("ananya", "4821"), 21: ("ananya", "4821"), 9: ("kabir", "0000")}
_BANKS = ["banyan", "harbour", "lotus"]


def key(name: str) -> UUID:
    """Return the idempotency key of the act of that name."""
    return uuid5(_KEYS, name)


def sign_ins() -> list[str]:
    """Return a line for each demo person there is; none where nobody was seeded."""
    handles = [persona.handle for persona in PERSONAS]
    there = set(User.objects.filter(handle__in=handles).values_list("phone", flat=True))
    return [
        f"{p.name:<14} {p.phone}  {p.email:<34} {PASSWORD}" + ("   /admin/" if p.is_staff else "")
        for p in PERSONAS
        if p.phone in there
    ]


def seed(*, now: datetime, progress: Callable[[str], None]) -> None:
    """Make what is missing of the demo people and their history, ending at now."""
    progress("Making demo people …")
    wallets = _people()
    acts = list(_history(now))
    for number, act in enumerate(acts, 1):
        act(wallets)
        if number % 100 == 0 or number == len(acts):
            progress(f"Making their history … {number} of {len(acts)}")
    # They know the past, and nobody wants half a year of mail at the first start.
    accounts_services.let_notices_rest(
        user_ids=[wallet.owner_id or 0 for wallet in wallets.values()],
        read_before=now - timedelta(days=1),
        now=now,
    )


def _people() -> dict[str, Wallet]:
    password_hash = make_password(PASSWORD)
    for persona in PERSONAS:
        if not User.objects.filter(handle=persona.handle).exists():
            _join(persona, password_hash)
    users = User.objects.filter(handle__in=[persona.handle for persona in PERSONAS])
    found = {user.handle: selectors.primary_wallet(owner_id=user.pk) for user in users}
    return {handle: wallet for handle, wallet in found.items() if wallet}


def _join(persona: Persona, password_hash: str) -> None:
    user = accounts_services.join(
        name=persona.name,
        phone=persona.phone,
        email=persona.email,
        handle=persona.handle,
        password_hash=password_hash,
    )
    if persona.is_staff:
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)


_Act = Callable[[dict[str, Wallet]], None]


def _history(now: datetime) -> Iterator[_Act]:
    """Yield everything that happened, oldest first, the same for every seeding."""
    random = Random(2026)  # noqa: S311  # Not a secret: a story.
    for day in range(_DAYS, 0, -1):
        morning = now - timedelta(
            days=day, hours=random.randint(1, 5), minutes=random.randint(0, 59)
        )
        if day == _DAYS or day % 30 == 12:
            for handle in _BUSY:
                thousands = random.choice([30, 40, 45, 60])
                yield _add(f"pay-{day}-{handle}", handle, thousands * 100_000, morning, random)
        if day in _WITHDRAWN:
            yield _withdraw(f"out-{day}", *_WITHDRAWN[day], morning + timedelta(minutes=30))
        for number in range(random.choice([0, 1, 1, 2, 3])):
            source, target = random.sample(_BUSY, 2)
            rupees = random.choice([80, 120, 250, 320, 450, 650, 899, 1240, 2000])
            at = morning + timedelta(hours=1 + number, minutes=random.randint(0, 50))
            note = random.choice(_NOTES)
            yield _send(f"send-{day}-{number}", source, target, rupees * 100, note, at)
    yield from _today(now)


def _today(now: datetime) -> Iterator[_Act]:
    """Yield what the first page shows: each state once."""
    hour = timedelta(hours=1)
    yield _decline("declined", "ananya", 300_000, now - 6 * hour)
    yield _send("rent", "ananya", "meera", 1_250_000, "Rent share", now - 5 * hour)
    yield _send("toit", "kabir", "ananya", 124_000, "Dinner at Toit", now - 2 * hour)
    yield _wait("waiting", "ananya", 500_000, now - timedelta(minutes=5))


def _send(name: str, source: str, target: str, amount_minor: int, note: str, at: datetime) -> _Act:
    def act(wallets: dict[str, Wallet]) -> None:
        payer = wallets[source]
        wallet_services.send_money(
            actor_id=payer.owner_id or 0,
            source_id=payer.pk,
            target_id=wallets[target].pk,
            amount_minor=amount_minor,
            note=note,
            idempotency_key=key(name),
            now=at,
        )

    return act


def _start(
    name: str, wallet: Wallet, amount_minor: int, bank: str, at: datetime
) -> OnRampTransaction:
    return services.start_onramp(
        actor_id=wallet.owner_id or 0,
        wallet_id=wallet.pk,
        amount_minor=amount_minor,
        bank=bank,
        idempotency_key=key(name),
        now=at,
    )


def _add(name: str, handle: str, amount_minor: int, at: datetime, random: Random) -> _Act:
    bank = random.choice(_BANKS)

    def act(wallets: dict[str, Wallet]) -> None:
        onramp = _start(name, wallets[handle], amount_minor, bank, at)
        _hear(onramp, "onramp.success", None, at + timedelta(seconds=25))

    return act


def _decline(name: str, handle: str, amount_minor: int, at: datetime) -> _Act:
    def act(wallets: dict[str, Wallet]) -> None:
        onramp = _start(name, wallets[handle], amount_minor, "harbour", at)
        _hear(onramp, "onramp.failure", "declined by customer", at + timedelta(seconds=40))

    return act


def _wait(name: str, handle: str, amount_minor: int, at: datetime) -> _Act:
    def act(wallets: dict[str, Wallet]) -> None:
        _start(name, wallets[handle], amount_minor, "banyan", at)

    return act


class _Teller:
    """The bank of this story: it takes every payout, and says later how it went."""

    name = "simbank"

    def create_payout(self, payout: Payout) -> PayoutReport:
        return PayoutReport(state=PayoutState.PENDING)


def _withdraw(name: str, handle: str, ending: str, at: datetime) -> _Act:
    def act(wallets: dict[str, Wallet]) -> None:
        offramp = _request(name, wallets[handle], ending, at)
        teller = cast(Bank, _Teller())
        services.submit_withdrawal(offramp=offramp, bank=teller, now=offramp.submits_at)
        failed = ending == "0000"
        kind, reason = ("failure", "account closed") if failed else ("success", None)
        _hear(offramp, f"payout.{kind}", reason, at + timedelta(minutes=2))

    return act


def _request(name: str, wallet: Wallet, ending: str, at: datetime) -> OffRampTransaction:
    """Ask for 5,000.00 to an account that is no longer new."""
    owner_id = wallet.owner_id or 0
    account = services.add_account(
        owner_id=owner_id,
        bank="banyan",
        holder=wallet.name,
        number=f"50010020{ending}",
        now=at - timedelta(days=2),
    )
    return services.request_withdrawal(
        actor_id=owner_id,
        wallet_id=wallet.pk,
        account_id=account.pk,
        amount_minor=500_000,
        idempotency_key=key(name),
        now=at,
    )


def _hear(
    about: OnRampTransaction | OffRampTransaction, kind: str, reason: str | None, at: datetime
) -> None:
    """Hear from the bank what its webhook would say."""
    reference = f"{REFERENCE}{about.idempotency_key.hex[:12].upper()}"
    data = {
        "token": about.token,
        "amount_minor": about.amount_minor,
        "currency": about.currency,
        "bank_reference": reference,
        "reason": reason,
    }
    body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data}).encode()
    services.record_bank_event(
        bank="simbank", event_id=f"demo-{about.public_id}", body=body, headers={}, now=at
    )
