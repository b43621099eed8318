"""Breaks for tests, and staff who look at them."""

from typing import Any

from django.contrib.auth.models import Permission

from accounts.models import User
from onramp import services
from onramp.models import Break, Correction
from tests.factories import make_user
from tests.onramp.statements import LATER, NOON, line, listed, reconcile, settled, tell
from tests.onramp.support import start
from wallet.models import Wallet


def make_staff(*permissions: str) -> User:
    """Make somebody who may enter the admin, with these permissions of the on-ramp's."""
    user = make_user(is_staff=True)
    found = Permission.objects.filter(content_type__app_label="onramp", codename__in=permissions)
    user.user_permissions.set(found)
    return user


def missing_here(amount_minor: int = 50_000, wallet: Wallet | None = None) -> Break:
    """Return a break: the bank took money for an on-ramp that failed here."""
    onramp = start(wallet, amount_minor, now=NOON)
    tell(onramp, "failure")
    return _break(reconcile(listed(onramp)))


def missing_there(amount_minor: int = 50_000) -> Break:
    """Return a break: we credited what the bank never had."""
    settled(amount_minor)
    return _break(reconcile())


def unknown() -> Break:
    """Return a break: the bank took money, and we know of nothing."""
    return _break(reconcile(line()))


def _break(statement: Any) -> Break:
    return Break.objects.get(statement=statement, status="open")


def propose(case: Break, amount_minor: int = 50_000, **changes: Any) -> Correction:
    """Propose a correction, as somebody of the staff."""
    arguments: dict[str, Any] = {
        "break_id": case.pk,
        "wallet_id": None,
        "amount_minor": amount_minor,
        "reason": "Your payment of 19 November",
        "actor_id": changes.pop("actor_id", None) or make_staff().pk,
        "now": LATER,
    }
    return services.propose_correction(**arguments | changes)


def approve(correction: Correction, by: User | None = None) -> Correction:
    """Approve it, as somebody else."""
    actor = by or make_staff()
    return services.approve_correction(public_id=correction.public_id, actor_id=actor.pk, now=LATER)
