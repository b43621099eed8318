"""
What the clients know, in a log that outlives whatever is killed.

A line is written before each request that may move money and after each answer to one, straight to
the file: what a client once saw cannot be unsaid. State is made by replaying lines, so the state in
memory and the state read back from the file are the same by construction.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

FIRST_AMOUNT_MINOR = 1_000  # The least that may be added.


class Outcome(StrEnum):
    """How one try ended, as far as the client can tell."""

    ACKED = "acked"  # The site said that it is done.
    REFUSED = "refused"  # The site said that nothing was done.
    UNKNOWN = "unknown"  # No answer, or one that does not tell.


@dataclass
class Act:
    """Something that may move money once. The key is its idempotency key; note and token name it
    in the database. amount_minor is in minor units."""

    kind: str  # "send" or "credit"
    key: str
    payee: str
    amount_minor: int
    round: int
    payer: str = ""  # Of a send.
    note: str = ""  # Of a send: unlike any other's.
    token: str = ""  # Of a credit, once the site has named it.
    due: bool = True  # False: nobody has honestly asked for this credit, so it must not come.
    tries: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    settled: Outcome | None = None
    receipts: list[str] = field(default_factory=list)

    @property
    def state(self) -> Outcome:
        """What the client may rely on, from all its tries and from the retry that settled it."""
        if Outcome.ACKED in self.outcomes:
            return Outcome.ACKED
        if self.settled:
            return self.settled
        if self.tries > len(self.outcomes) or Outcome.UNKNOWN in self.outcomes:
            return Outcome.UNKNOWN
        return Outcome.REFUSED  # Also of what was never tried.

    @property
    def was_in_doubt(self) -> bool:
        """Whether a try ended without a word, or has not ended."""
        return self.tries > len(self.outcomes) or Outcome.UNKNOWN in self.outcomes

    def apply(self, line: dict[str, Any]) -> None:
        """Take in one line of the log."""
        event = line["event"]
        if event == "try":
            self.tries += 1
        elif event == "token":
            self.token = line["token"]
        elif event == "due":
            self.due = True
        elif event == "settled":
            self.settled = Outcome(line["outcome"])
        else:
            self.outcomes.append(Outcome(event))
            if line.get("receipt"):
                self.receipts.append(line["receipt"])


class Records:
    """Every act of every client, by key; written to a file as it becomes known."""

    def __init__(self, path: Path | None = None) -> None:
        self.acts: dict[str, Act] = {}
        self.sent: list[tuple[float, float]] = []  # Asked and acknowledged at, of sends.
        self.round = 0
        self._amounts = count(FIRST_AMOUNT_MINOR)
        self._lock = Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(path, flags, 0o600) if path else None

    def new_send(self, payer: str, payee: str, amount_minor: int, *, key: str, note: str) -> Act:
        """Note a send that is about to be tried."""
        act = Act("send", key, payee, amount_minor, self.round, payer=payer, note=note)
        return self._add(act)

    def new_credit(self, payee: str, least_minor: int = 0, *, due: bool = True) -> Act:
        """Note a wish to add money. Its amount is like no other's, so that it is known by it."""
        with self._lock:
            amount_minor = least_minor + next(self._amounts)
        act = Act("credit", str(uuid4()), payee, amount_minor, self.round, due=due)
        return self._add(act)

    def name(self, credit: Act, token: str) -> None:
        """Note by which token the site knows a credit."""
        self._note(credit, {"event": "token", "token": token})

    def make_due(self, credit: Act) -> None:
        """Note that a credit is asked for honestly from now on."""
        self._note(credit, {"event": "due"})

    def settle(self, act: Act, outcome: Outcome) -> None:
        """Note the answer that ends all doubt."""
        self._note(act, {"event": "settled", "outcome": outcome})

    @contextmanager
    def trying(self, act: Act) -> Iterator["Try"]:
        """Note the intent, run the request, note the answer: unknown unless it was judged."""
        tried = Try()
        self._note(act, {"event": "try"})
        asked_at = time.monotonic()
        try:
            yield tried
        finally:
            self._note(act, {"event": tried.outcome, "receipt": tried.receipt, "why": tried.why})
            if act.kind == "send" and tried.outcome is Outcome.ACKED:
                self.sent.append((asked_at, time.monotonic()))

    def in_doubt(self) -> list[Act]:
        """Return the acts that nobody knows the outcome of."""
        return [act for act in list(self.acts.values()) if act.state is Outcome.UNKNOWN]

    def first_sent(self, after: float) -> float | None:
        """Return when the first send that was asked for after this moment was acknowledged."""
        return min((acked for asked, acked in list(self.sent) if asked >= after), default=None)

    def sync(self) -> None:
        """Wait until the log is on the disk."""
        if self._file is not None:
            os.fsync(self._file)

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _add(self, act: Act) -> Act:
        told = ("kind", "payee", "amount_minor", "round", "payer", "note", "due")
        fields = asdict(act)
        self._note(act, {"event": "new", **{name: fields[name] for name in told}})
        return act

    def _note(self, act: Act, line: dict[str, Any]) -> None:
        with self._lock:
            if self._file is not None:
                record = {"at": time.time(), "key": act.key, **line}
                os.write(self._file, json.dumps(record).encode() + b"\n")
            if line["event"] == "new":
                self.acts[act.key] = act
            else:
                act.apply(line)


@dataclass
class Try:
    """One request under way. Whoever reads its answer says what it means."""

    outcome: Outcome = Outcome.UNKNOWN
    receipt: str = ""
    why: str = ""

    def judge(self, outcome: Outcome, *, receipt: str = "", why: str = "") -> None:
        """Say what the answer means."""
        self.outcome, self.receipt, self.why = outcome, receipt, why


def read(path: Path) -> Records:
    """Return what a log says; a line that was cut short, the last, is left out."""
    records = Records()
    for text in path.read_text().splitlines(keepends=True):
        if text.endswith("\n"):
            _replay(records, json.loads(text))
    return records


def _replay(records: Records, line: dict[str, Any]) -> None:
    key = line.pop("key")
    line.pop("at")
    if line["event"] == "new":
        line.pop("event")
        records.acts[key] = Act(key=key, **line)
    else:
        records.acts[key].apply(line)
