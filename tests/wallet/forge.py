"""
Forged postings: rows that a test spoils before they are written, in one statement, past our code.

Hashes are sealed after the spoiling, so that nothing is wrong but what the test means to be wrong.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db import connection

from wallet.models import Transfer, Wallet

Row = dict[str, Any]
ZEROS = "\\x" + "00" * 32
KINDS = ("transfer", "entry", "balance")
_WRITE = {
    "transfer": (
        "INSERT INTO wallet_transfer"
        " SELECT * FROM jsonb_populate_recordset(NULL::wallet_transfer, %s::jsonb)"
    ),
    "entry": (
        "INSERT INTO wallet_entry"
        " SELECT * FROM jsonb_populate_recordset(NULL::wallet_entry, %s::jsonb)"
    ),
    "balance": (
        "UPDATE wallet_balance b SET available_minor = n.available_minor,"
        " locked_minor = n.locked_minor, version = n.version, head_hash = n.head_hash,"
        " happened_at = n.happened_at"
        " FROM jsonb_populate_recordset(NULL::wallet_balance, %s::jsonb) n"
        " WHERE b.wallet_id = n.wallet_id"
    ),
}
_WRITE_HOLD = (
    "INSERT INTO wallet_hold SELECT * FROM jsonb_populate_recordset(NULL::wallet_hold, %s::jsonb)"
)
_FINGERPRINT = """
SELECT wallet_transfer_fingerprint(kind, source_id, target_id, amount_minor, currency, actor_id,
  idempotency_key, note)::text
FROM jsonb_populate_record(NULL::wallet_transfer, %s::jsonb)
"""
_HASH = """
SELECT wallet_entry_hash(e.prev_hash, t.public_id, t.fingerprint, e.wallet_id, e.currency,
  e.version, e.delta_available_minor, e.delta_locked_minor, e.available_after_minor,
  e.locked_after_minor, e.happened_at, e.created_at)::text
FROM jsonb_populate_record(NULL::wallet_entry, %s::jsonb) e,
  jsonb_populate_record(NULL::wallet_transfer, %s::jsonb) t
"""


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@dataclass
class Act:
    """Transfers, their entries and the balances after them, as rows of the tables."""

    transfer: list[Row] = field(default_factory=list)
    entry: list[Row] = field(default_factory=list)
    balance: list[Row] = field(default_factory=list)
    behind: list[Row] = field(default_factory=list)  # Transfers that another act writes.

    def pay(self, source: Wallet, target: Wallet, amount_minor: int, **terms: Any) -> "Act":
        """Add one transfer with two entries, and bring the balances along."""
        transfer = _transfer(source, target, amount_minor, terms)
        self.transfer.append(transfer)
        self.add_entry(transfer, source, -amount_minor)
        self.add_entry(transfer, target, amount_minor)
        return self

    def hold(self, wallet: Wallet, amount_minor: int, **terms: Any) -> "Act":
        """Add one transfer that sets money aside; below zero: that gives it back."""
        kind = Transfer.Kind.HOLD if amount_minor > 0 else Transfer.Kind.RELEASE
        transfer = _transfer(wallet, wallet, abs(amount_minor), {"kind": kind} | terms)
        self.transfer.append(transfer)
        self.add_entry(transfer, wallet, -amount_minor, locked_minor=amount_minor)
        return self

    def pay_out(self, wallet: Wallet, bank: Wallet, amount_minor: int, **terms: Any) -> "Act":
        """Add one transfer that takes locked money to a bank."""
        terms = {"kind": Transfer.Kind.PAYOUT} | terms
        transfer = _transfer(wallet, bank, amount_minor, terms)
        self.transfer.append(transfer)
        self.add_entry(transfer, wallet, 0, locked_minor=-amount_minor)
        self.add_entry(transfer, bank, amount_minor)
        return self

    def add_entry(
        self, transfer: Row, wallet: Wallet, delta_minor: int, *, locked_minor: int = 0
    ) -> Row:
        """Add the entry that would follow the wallet's newest one."""
        entry = {
            "id": _next_id("wallet_entry"),
            "transfer_id": transfer["id"],
            "wallet_id": wallet.pk,
            "currency": transfer["currency"],
            "delta_available_minor": delta_minor,
            "delta_locked_minor": locked_minor,
            "prev_hash": ZEROS,
            "happened_at": transfer["happened_at"],
            "created_at": transfer["posted_at"],
        }
        if balance := self.balance_of(wallet):
            entry |= _step(balance, delta_minor, locked_minor, transfer)
        self.entry.append(entry)
        self.seal()
        return entry

    def balance_of(self, wallet: Wallet) -> Row | None:
        """Return the wallet's balance as it will be; None where it tracks none."""
        for row in self.balance:
            if row["wallet_id"] == wallet.pk:
                return row
        for (row,) in sql(
            "SELECT to_jsonb(b) FROM wallet_balance b WHERE wallet_id = %s", wallet.pk
        ):
            self.balance.append(_parsed(row))
            return self.balance[-1]
        return None

    def seal(self) -> None:
        """Hash what is said now, and let each balance name the hash of its newest entry."""
        for transfer in self.transfer:
            [[transfer["fingerprint"]]] = sql(_FINGERPRINT, json.dumps(transfer))
        known = {row["id"]: row for row in self.transfer + self.behind}
        for entry in self.entry:
            transfer = known.get(entry["transfer_id"]) or stored(entry["transfer_id"])
            [[entry["hash"]]] = sql(_HASH, json.dumps(entry), json.dumps(transfer))
            for balance in self.balance:
                if (balance["wallet_id"], balance["version"]) == (
                    entry["wallet_id"],
                    entry.get("version"),
                ):
                    balance["head_hash"] = entry["hash"]

    def write(self, *kinds: str) -> None:
        """Write the rows of these kinds (all of them, unless told) in one statement, in order."""
        write(self.parts(*kinds))

    def write_with(self, other: "Act") -> None:
        """Write both acts in one statement, each table in two parts of it."""
        write(self.parts() + other.parts())

    def parts(self, *kinds: str) -> list[tuple[str, str]]:
        """Return the statements that write these kinds of rows, each with its rows."""
        rows = [(kind, getattr(self, kind)) for kind in kinds or KINDS]
        return [(_WRITE[kind], json.dumps(some)) for kind, some in rows if some]


def write(parts: list[tuple[str, str]]) -> None:
    """Run all parts as one statement."""
    named = ", ".join(f"part_{i} AS ({statement})" for i, (statement, _) in enumerate(parts))
    sql(f"WITH {named} SELECT", *(rows for _, rows in parts))


def stored(transfer_id: int) -> Row:
    """Return a transfer of the books as a row."""
    [[row]] = sql("SELECT to_jsonb(t) FROM wallet_transfer t WHERE id = %s", transfer_id)
    return _parsed(row)


def pay(source: Wallet, target: Wallet, amount_minor: int, **terms: Any) -> Act:
    """Return an honest payment, not yet written."""
    return Act().pay(source, target, amount_minor, **terms)


def write_hold(act: Act, **terms: Any) -> int:
    """Write what the act moves, if anything, and the hold of its transfer; return the hold's id."""
    if act.entry:
        act.write()
    transfer = act.transfer[0]
    hold = {
        "id": _next_id("wallet_hold"),
        "public_id": str(uuid4()),
        "wallet_id": transfer["source_id"],
        "transfer_id": transfer["id"],
        "purpose": "withdrawal",
        "amount_minor": transfer["amount_minor"],
        "currency": transfer["currency"],
        "captured_minor": 0,
        "released_minor": 0,
        "status": "open",
        "created_at": transfer["happened_at"],
    } | terms
    sql(_WRITE_HOLD, json.dumps([hold]))
    return int(hold["id"])


def _transfer(source: Wallet, target: Wallet, amount_minor: int, terms: Row) -> Row:
    [[clock]] = sql("SELECT clock_timestamp()::text")
    return {
        "id": _next_id("wallet_transfer"),
        "public_id": str(uuid4()),
        "kind": Transfer.Kind.SEND if source.tracks_balance else Transfer.Kind.ONRAMP,
        "source_id": source.pk,
        "target_id": target.pk,
        "amount_minor": amount_minor,
        "currency": source.currency,
        "actor_id": source.owner_id,
        "idempotency_key": str(uuid4()),
        "note": "",
        "happened_at": clock,
        "posted_at": clock,
    } | terms


def _step(balance: Row, delta_minor: int, locked_minor: int, transfer: Row) -> Row:
    """Move the balance one version on, and return the numbers of the entry that does it."""
    before, prev_hash = balance["available_minor"], balance["head_hash"]
    locked_before = balance["locked_minor"]
    balance["version"] += 1
    balance["available_minor"] += delta_minor
    balance["locked_minor"] += locked_minor
    balance["happened_at"] = transfer["happened_at"]
    return {
        "version": balance["version"],
        "available_before_minor": before,
        "available_after_minor": balance["available_minor"],
        "locked_before_minor": locked_before,
        "locked_after_minor": balance["locked_minor"],
        "prev_hash": prev_hash,
    }


def _parsed(row: Any) -> Row:
    return json.loads(row) if isinstance(row, str) else dict(row)


def _next_id(table: str) -> int:
    [[number]] = sql("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", table)
    return int(number)
