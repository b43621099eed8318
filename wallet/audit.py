"""
Proving the books: every rule of the ledger, recomputed from the entries in set-based SQL.

Each check is one query that returns the rows that break its rule, as (subject, what is wrong); the
tree of published heads is hashed again in Python, a batch at a time. All run in one read-only
snapshot, so payments may go on meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from nexapay.kernel import db
from wallet import audit_tree
from wallet.audit_sql import BALANCES, BOOKS, ENTRIES, HOLDS, PAIRS, TRANSFERS
from wallet.models import LedgerCheck

MAX_FINDINGS_PER_CHECK = 1_000
# MATERIALIZED: a bare LIMIT would have the planner expect findings soon, and read row by row.
_SOME = "WITH found AS MATERIALIZED ({query}) SELECT * FROM found LIMIT {limit}"


@dataclass(frozen=True)
class Check:
    """One rule: a title people read, and a query for (subject, what is wrong)."""

    title: str
    query: str


@dataclass(frozen=True)
class Finding:
    """One row that breaks a rule."""

    check: str
    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem} ({self.check})"


@dataclass
class Report:
    """What one run saw. ok when it found nothing."""

    wallets: int = 0
    transfers: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.findings


_CHECKS = [
    Check("transfers say what was asked", TRANSFERS),
    Check("transfers have the entries of their kind, which cancel out", PAIRS),
    Check("entries move their transfer's amount and follow one another, hash by hash", ENTRIES),
    Check("balances equal their newest entry", BALANCES),
    Check("locked money is what open holds set aside", HOLDS),
    Check("each currency sums to zero", BOOKS),
]


def add_check(title: str, query: str) -> None:
    """Let an app above add a rule about its own rows to every run."""
    _CHECKS.append(Check(title, query))


def run(
    *,
    clock: Callable[[], datetime],
    progress: Callable[[str], None] = lambda line: None,
    heads: Sequence[audit_tree.KeptHead] = (),
) -> Report:
    """
    Check everything, keep a LedgerCheck row, and return what was found.

    heads are checkpoints that somebody kept elsewhere; the entries must still give them.
    """
    started_at = clock()
    with _snapshot():
        report = Report(*_counts())
        last = len(_CHECKS) + 1
        for number, check in enumerate(_CHECKS, 1):
            progress(f"{number}/{last} {check.title} …")
            report.findings += _findings(check)
        progress(f"{last}/{last} {audit_tree.TITLE} …")
        found = audit_tree.findings(heads, limit=MAX_FINDINGS_PER_CHECK)
        report.findings += [Finding(audit_tree.TITLE, *each) for each in found]
    LedgerCheck.objects.create(
        started_at=started_at,
        finished_at=clock(),
        ok=report.ok,
        wallets=report.wallets,
        transfers=report.transfers,
        entries=report.entries,
        findings=[str(finding) for finding in report.findings[:MAX_FINDINGS_PER_CHECK]],
    )
    return report


@contextmanager
def _snapshot() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        # Inside a test's transaction the snapshot is the transaction's own.
        if len(connection.savepoint_ids) == 0:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(db.PLAN_WHOLE_TABLES)
        # Compiling the long expressions takes longer than it saves.
        cursor.execute("SET LOCAL jit = off")
        yield


def _counts() -> tuple[int, int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM wallet_wallet), (SELECT count(*) FROM wallet_transfer),"
            " (SELECT count(*) FROM wallet_entry)"
        )
        wallets, transfers, entries = cursor.fetchone()
    return wallets, transfers, entries


def _findings(check: Check) -> list[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_SOME.format(query=check.query, limit=MAX_FINDINGS_PER_CHECK))
        return [Finding(check.title, subject, problem) for subject, problem in cursor.fetchall()]
