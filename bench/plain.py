"""
The baseline: a transfer as it is often written. Get, save, save, create; no lock, no guard.

Its tables are its own and plain, so nothing of ours slows it down. It is wrong under load: two at
once lose money. It is here to be measured, and for nothing else.
"""

from collections.abc import Callable
from typing import ClassVar

from django.db import OperationalError, connection, models, transaction

from bench import load
from nexapay.kernel import db

_DEADLOCK = "40P01"


class PlainAccount(models.Model):
    """A balance, and nothing that guards it."""

    balance = models.DecimalField(max_digits=12, decimal_places=2)
    objects: ClassVar[models.Manager["PlainAccount"]] = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False

    def __str__(self) -> str:
        return f"account {self.pk}"


class PlainTransfer(models.Model):
    """A movement, remembered."""

    payer = models.ForeignKey(PlainAccount, on_delete=models.CASCADE, related_name="+")
    payee = models.ForeignKey(PlainAccount, on_delete=models.CASCADE, related_name="+")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    note = models.CharField(max_length=280)
    created_at = models.DateTimeField(auto_now_add=True)
    objects: ClassVar[models.Manager["PlainTransfer"]] = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False

    def __str__(self) -> str:
        return f"transfer {self.pk}"


def make(number: int) -> list[int]:
    """Make the tables and accounts with money in them; return the accounts' ids."""
    with connection.schema_editor() as editor:
        editor.create_model(PlainAccount)
        editor.create_model(PlainTransfer)
    rows = [PlainAccount(balance=1_000_000) for _ in range(number)]
    return [row.pk for row in PlainAccount.objects.bulk_create(rows)]


def sender(ids: list[int], *, atomic: bool) -> Callable[[], object]:
    """
    Return the act, in a transaction or (as it is often written) without one.

    In one, two people who pay each other at once deadlock: one payment is lost, and counts as made.
    """
    chosen = load.pairs(ids)

    def send() -> None:
        payer_id, payee_id = next(chosen)
        payer = PlainAccount.objects.get(pk=payer_id)
        payee = PlainAccount.objects.get(pk=payee_id)
        payer.balance -= 1
        payer.save()
        payee.balance += 1
        payee.save()
        PlainTransfer.objects.create(payer=payer, payee=payee, amount=1, note="")

    def send_or_lose() -> None:
        try:
            with transaction.atomic():
                send()
        except OperationalError as error:
            if db.sqlstate(error) != _DEADLOCK:
                raise

    return send_or_lose if atomic else send
