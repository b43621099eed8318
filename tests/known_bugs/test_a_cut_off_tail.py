"""
RightNow-AI/openfang#1287 and others: the newest rows of a hash chain were deleted, and the chain
that was left verified.
"""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.factories import make_wallet, send
from wallet.models import Transfer

pytestmark = pytest.mark.django_db


def delete(transfer: Transfer) -> None:
    """Delete a transfer with its entries, as somebody with the keys of the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM wallet_entry WHERE transfer_id = %s", [transfer.pk])
        cursor.execute("DELETE FROM wallet_transfer WHERE id = %s", [transfer.pk])
        cursor.execute("SET session_replication_role = origin")


class TestACutOffTail:
    def test_is_found_because_balances_name_their_newest_entry(self) -> None:
        """What is left of each chain is whole; its balance stands one version further on."""
        ana, ben = make_wallet(balance_minor=1_000), make_wallet()
        send(ana, ben, 100)
        delete(send(ana, ben, 50))
        told = StringIO()

        with pytest.raises(CommandError) as refusal:
            call_command("check_ledger", stdout=told, stderr=StringIO())

        assert refusal.value.returncode == 1
        lines = told.getvalue().splitlines()
        assert sum("its balance is at version" in line for line in lines) == 2
