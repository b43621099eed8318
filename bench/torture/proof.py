"""
The verdict: what the clients know, held against what the database says.

The books may agree with themselves while money is gone with its entries; only the clients' own
records can tell. So both are asked: every rule here returns a sentence for each row that breaks it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from django.db.models import Sum
from django.utils import timezone

from bench.torture.records import Act, Outcome
from wallet import audit
from wallet.models import Balance, Entry, Transfer, Wallet


@dataclass(frozen=True)
class Sent:
    """A payment as the database has it. amount_minor is in minor units."""

    public_id: str
    payer: str
    payee: str
    amount_minor: int
    key: str
    note: str


@dataclass
class Books:
    """What the database says, by handle of the people and in minor units."""

    sent: list[Sent] = field(default_factory=list)
    credited: Counter[tuple[str, int]] = field(default_factory=Counter)  # (payee, amount): times
    balances: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)  # What the entries of each sum to.
    settlement_minor: int = 0  # What the banks' side sums to.
    findings: list[str] = field(default_factory=list)  # Of check_ledger.


def read_books() -> Books:
    """Return all that the verdict asks of the database."""
    names = ("public_id", "source__owner__handle", "target__owner__handle", "amount_minor")
    sends = Transfer.objects.filter(kind=Transfer.Kind.SEND)
    credits = Transfer.objects.filter(kind=Transfer.Kind.ONRAMP)
    people = Balance.objects.filter(wallet__kind=Wallet.Kind.USER)
    entries = Entry.objects.filter(wallet__kind=Wallet.Kind.USER).values_list(
        "wallet__owner__handle"
    )
    banks = Entry.objects.filter(wallet__kind=Wallet.Kind.SETTLEMENT)
    return Books(
        sent=[
            Sent(str(public_id), payer, payee, amount_minor, str(key), note)
            for public_id, payer, payee, amount_minor, key, note in sends.values_list(
                *names, "idempotency_key", "note"
            )
        ],
        credited=Counter(credits.values_list("target__owner__handle", "amount_minor")),
        balances=dict(people.values_list("wallet__owner__handle", "available_minor")),
        entries=dict(entries.annotate(sum=Sum("delta_available_minor"))),
        settlement_minor=banks.aggregate(sum=Sum("delta_available_minor"))["sum"] or 0,
        findings=[str(finding) for finding in audit.run(clock=timezone.now).findings],
    )


@dataclass
class Case:
    """Everything there is to judge by."""

    acts: Collection[Act]
    books: Books

    @property
    def sends(self) -> list[Act]:
        """The clients' payments."""
        return [act for act in self.acts if act.kind == "send"]

    @property
    def credits(self) -> list[Act]:
        """The clients' wishes to add money."""
        return [act for act in self.acts if act.kind == "credit"]

    def by_note(self) -> dict[str, list[Sent]]:
        """Return the database's payments by their notes, each of which a client made up once."""
        found = defaultdict(list)
        for sent in self.books.sent:
            found[sent.note].append(sent)
        return found


Rule = Callable[[Case], Iterator[str]]
RULES: list[Rule] = []


def rule(judge: Rule) -> Rule:
    """Put a rule on the list."""
    RULES.append(judge)
    return judge


def verdict(acts: Collection[Act], books: Books) -> list[str]:
    """Return every way in which clients and database disagree; nothing when all is well."""
    case = Case(acts, books)
    return [sentence for judge in RULES for sentence in judge(case)]


@rule
def nothing_is_left_in_doubt(case: Case) -> Iterator[str]:
    """Every act was settled: by its answer, or by a retry with the same key."""
    for act in case.acts:
        if act.due and act.state is Outcome.UNKNOWN:
            yield f"{act.kind} {act.key} was never settled: {act.outcomes}"


@rule
def what_was_acknowledged_is_there_once(case: Case) -> Iterator[str]:
    """A payment with a receipt is in the database exactly once."""
    rows = case.by_note()
    for send in case.sends:
        found = len(rows[send.note])
        if send.state is Outcome.ACKED and found != 1:
            yield f"send {send.key} was acknowledged and is there {found} times"


@rule
def what_is_there_is_what_was_asked(case: Case) -> Iterator[str]:
    """Payer, payee, amount, key and receipt are those that the client knows."""
    rows = case.by_note()
    for send in case.sends:
        asked = (send.payer, send.payee, send.amount_minor, send.key)
        for row in rows[send.note]:
            if (row.payer, row.payee, row.amount_minor, row.key) != asked:
                yield f"send {send.key} is there with other details: {row}"
            if set(send.receipts) - {row.public_id}:
                yield f"send {send.key} was given the receipt of another"


@rule
def what_was_refused_is_not_there(case: Case) -> Iterator[str]:
    """Where the site said "Nothing was sent" to the last try, nothing was."""
    rows = case.by_note()
    for send in case.sends:
        if send.state is Outcome.REFUSED and rows[send.note]:
            yield f"send {send.key} was refused and is there {len(rows[send.note])} times"


@rule
def what_is_in_doubt_is_there_at_most_once(case: Case) -> Iterator[str]:
    """Whatever the client knows: no payment is there twice."""
    for note, rows in case.by_note().items():
        if len(rows) > 1:
            yield f"a payment is there {len(rows)} times: {note}"


@rule
def what_is_there_was_asked_for(case: Case) -> Iterator[str]:
    """No payment and no credit is there that no client knows of."""
    notes = {send.note for send in case.sends}
    for row in case.books.sent:
        if row.note not in notes:
            yield f"nobody sent {row}"
    wishes = {(credit.payee, credit.amount_minor) for credit in case.credits}
    for payee, amount_minor in case.books.credited:
        if (payee, amount_minor) not in wishes:
            yield f"nobody asked for a credit of {amount_minor} to {payee}"


@rule
def credits_came_once_or_not_at_all(case: Case) -> Iterator[str]:
    """What the bank confirmed was credited once; what it did not, or only liars did, never."""
    for credit in case.credits:
        times = case.books.credited[credit.payee, credit.amount_minor]
        due = int(credit.due and credit.state is Outcome.ACKED)
        if credit.state is Outcome.UNKNOWN:
            due = min(times, int(credit.due))
        if times != due:
            yield f"credit {credit.key} came {times} times instead of {due}"


@rule
def nobody_holds_less_than_nothing(case: Case) -> Iterator[str]:
    """No balance is negative."""
    for handle, minor in case.books.balances.items():
        if minor < 0:
            yield f"{handle} holds {minor}"


@rule
def balances_equal_their_entries(case: Case) -> Iterator[str]:
    """What a person holds is what their entries sum to."""
    for handle, minor in case.books.balances.items():
        if minor != case.books.entries.get(handle, 0):
            yield f"{handle} holds {minor}, the entries sum to {case.books.entries.get(handle, 0)}"


@rule
def balances_equal_what_the_clients_did(case: Case) -> Iterator[str]:
    """What a person holds follows from the clients' records alone."""
    expected: Counter[str] = Counter()
    for act in case.acts:
        if act.state is Outcome.ACKED and act.due:
            expected[act.payee] += act.amount_minor
            expected[act.payer] -= act.amount_minor if act.kind == "send" else 0
    for handle, minor in case.books.balances.items():
        if minor != expected[handle]:
            yield f"{handle} holds {minor}, by the clients' records {expected[handle]}"


@rule
def the_sum_is_conserved(case: Case) -> Iterator[str]:
    """People hold together what the banks brought in, and what the clients saw being added."""
    held = sum(case.books.balances.values())
    if held + case.books.settlement_minor != 0:
        yield f"people hold {held}, the banks brought in {-case.books.settlement_minor}"
    added = [c.amount_minor for c in case.credits if c.due and c.state is Outcome.ACKED]
    if held != sum(added):
        yield f"people hold {held}, by the clients' records {sum(added)} was added"


@rule
def the_books_agree(case: Case) -> Iterator[str]:
    """check_ledger found nothing: chains, balances, pairs, on-ramps."""
    yield from case.books.findings
