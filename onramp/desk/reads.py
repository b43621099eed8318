"""Reads for staff: statements, their breaks, and each break as a line of text."""

from uuid import UUID

from django.db.models import Count, QuerySet

from nexapay.kernel import dates, money
from onramp import banks
from onramp.models import Break, BreakAct, Correction, Statement

PAGE_SIZE = 50
RECENT = 14
MOST_ACTS = 200


def recent_statements() -> list[Statement]:
    """Return the newest statements, the superseded ones of their days too."""
    return list(Statement.objects.order_by("-day", "-pk")[:RECENT])


def breaks(
    *, status: str = "", kind: str = "", assignee_id: int | None = None, before: int | None = None
) -> list[Break]:
    """Return a page of breaks, newest first, and one more where there are more."""
    found = _breaks()
    if status:
        found = found.filter(status=status)
    if kind:
        found = found.filter(kind=kind)
    if assignee_id:
        found = found.filter(assignee_id=assignee_id)
    if before:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[: PAGE_SIZE + 1])


def find_break(*, public_id: UUID) -> Break | None:
    """Return one break with all that its page says of it."""
    return _breaks().filter(public_id=public_id).first()


def open_of(*, statement_id: int) -> list[Break]:
    """Return the open breaks that a statement shows."""
    found = _breaks().filter(statement_id=statement_id, status=Break.Status.OPEN)
    return list(found.order_by("pk"))


def _breaks() -> QuerySet[Break]:
    return Break.objects.select_related(
        "statement", "onramp", "offramp", "wallet__owner", "assignee"
    )


def name_of(case: Break) -> str:
    """Return what staff call it: the bank and its reference, or ours."""
    reference = case.bank_reference or (case.of.reference if case.of else "")
    return f"{banks.name_of(case.bank)} {reference}".strip()


def in_a_line(case: Break) -> str:
    """Return the break as one line of text."""
    theirs = money.format(case.theirs_minor, case.theirs_currency)
    ours = money.format(case.ours_minor, case.currency)
    label = Break.Kind(case.kind).label
    when = dates.full(case.happened_at)
    said = f"the bank says {theirs}, we posted {ours}"
    if case.kind == Break.Kind.REPEATED:
        said = f"the bank lists {theirs} once more, for which nothing is to be posted"
    return f"{label}: {name_of(case)}, {when}: {said}"


def corrections(*, break_id: int) -> list[Correction]:
    """Return the corrections of a break, in the order in which they were proposed."""
    found = Correction.objects.filter(of_id=break_id)
    people = ("maker", "decided_by", "wallet__owner", "settlement", "transfer")
    return list(found.select_related(*people).order_by("pk"))


def acts(*, break_id: int) -> list[BreakAct]:
    """Return what was done about a break, the newest first."""
    found = BreakAct.objects.filter(of_id=break_id).select_related("by")
    return list(found.order_by("-pk")[:MOST_ACTS])


def open_by_kind() -> list[tuple[str, int]]:
    """Return how many breaks are open, for each kind of them."""
    found = Break.objects.filter(status=Break.Status.OPEN).order_by("kind").values_list("kind")
    return list(found.annotate(Count("pk")))


def agreement(statement: Statement) -> str:
    """Say that nothing is open, and of how much of the day."""
    if statement.is_whole:
        return "The bank agrees."
    return "The bank agrees so far. The day is not over: reconcile it again when it is."
