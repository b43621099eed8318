"""The staff's pages about statements and breaks, in the admin's clothes."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from nexapay.kernel import dates
from nexapay.kernel.admin import Section, add_section, amount, link
from nexapay.kernel.db import Busy
from onramp import services
from onramp.desk import forms, reads
from onramp.desk.matching import MAY_MATCH
from onramp.models import Break, Correction

_SEE = "onramp.view_break"
_PROPOSE, _APPROVE = "onramp.propose_correction", "onramp.approve_correction"


class _Act(NamedTuple):
    """Something that may be done about a break: its form, its service and who may do it."""

    title: str
    button: str
    form: type[forms.CaseForm]
    service: Callable[..., object]
    permission: str


_ACTS = {
    "assign": _Act(
        *("Assign", "Assign", forms.AssignForm, services.assign_break),
        permission="onramp.change_break",
    ),
    "note": _Act(
        *("Note", "Add note", forms.TextForm, services.note_on_break),
        permission="onramp.change_break",
    ),
    "propose": _Act(
        *("Propose a correction", "Propose", forms.ProposeForm, services.propose_correction),
        permission=_PROPOSE,
    ),
    "approve": _Act(
        *("Approve", "Approve and post", forms.ApproveForm, services.approve_correction),
        permission=_APPROVE,
    ),
    "decline": _Act(
        *("Decline", "Decline", forms.DeclineForm, services.decline_correction),
        permission=_APPROVE,
    ),
    "explain": _Act(
        *("Close without money", "Close", forms.ExplainForm, services.explain_break),
        permission="onramp.change_break",
    ),
}


@require_safe
@permission_required(_SEE, raise_exception=True)
def board(request: HttpRequest) -> HttpResponse:
    """Show the newest statements, and the breaks that the address asks for: the open ones."""
    form = forms.FilterForm(request.GET or {"status": Break.Status.OPEN.value})
    found = reads.breaks(**form.filters(user_id=_actor(request))) if form.is_valid() else []
    shown = found[: reads.PAGE_SIZE]
    context = {
        **admin.site.each_context(request),
        "title": "Reconciliation",
        "statements": reads.recent_statements(),
        "match": forms.DayForm() if request.user.has_perm(MAY_MATCH) else None,
        "form": form,
        "rows": [_row(case) for case in shown],
        "next": _next(request, shown[-1].pk) if len(found) > len(shown) else "",
    }
    status = 200 if form.is_valid() else 422
    return TemplateResponse(request, "admin/reconciliation.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(_SEE, raise_exception=True)
def case(request: HttpRequest, public_id: UUID, act: str = "") -> HttpResponse:
    """Show one break with what was done about it; on POST, do one of _ACTS about it."""
    found = reads.find_break(public_id=public_id)
    if found is None or (act and act not in _ACTS) or (request.method == "POST") != bool(act):
        raise Http404
    if not act:
        return _page(request, found)
    form = _form(act, found, request.POST)
    if not _may(request, act, found):
        raise PermissionDenied
    if form.is_valid():
        _check_is_of(found, form)
        try:
            _ACTS[act].service(**form.arguments(), actor_id=_actor(request), now=timezone.now())
        except (services.CaseRefused, Busy) as refusal:
            form.add_error(_field(form, refusal), str(refusal))
        else:
            messages.success(request, f"{_ACTS[act].title}: done.")
            return HttpResponseRedirect(reverse("desk:case", args=[public_id]), status=303)
    return _page(request, found, act=act, form=form)


def _page(
    request: HttpRequest, found: Break, *, act: str = "", form: forms.CaseForm | None = None
) -> HttpResponse:
    corrections = reads.corrections(break_id=found.pk)
    offered = _offered(found, corrections, _actor(request))
    bound = {act: form} if form else {}
    blocks = [
        (name, _ACTS[name], bound.get(name) or _form(name, found, None, corrections))
        for name in _ACTS
        if name in bound or (name in offered and _may(request, name, found))
    ]
    context = {
        **admin.site.each_context(request),
        "title": reads.name_of(found),
        "case": found,
        "facts": _facts(found),
        "corrections": corrections,
        "acts": reads.acts(break_id=found.pk),
        "blocks": blocks,
    }
    return TemplateResponse(
        request, "admin/break.html", context, status=422 if form and form.errors else 200
    )


def _offered(found: Break, corrections: list[Correction], actor_id: int) -> set[str]:
    """Return what this person may find to do about it as it stands."""
    waiting = [correction for correction in corrections if correction.is_proposed]
    if found.status != Break.Status.OPEN:
        # What was proposed before a newer statement cleared it is still to be turned down.
        return {"assign", "note", *(["decline"] if waiting else [])}
    if waiting:
        is_second = waiting[0].maker_id != actor_id
        return {"assign", "note", "decline"} | ({"approve"} if is_second else set())
    is_money = found.kind != Break.Kind.REPEATED and found.is_one_currency
    return {"assign", "note", "explain"} | ({"propose"} if is_money else set())


def _form(
    act: str, found: Break, data: Any, corrections: list[Correction] | None = None
) -> forms.CaseForm:
    more: dict[str, Any] = {}
    if act == "propose":
        more["remaining_minor"] = services.remaining_minor(break_id=found.pk)
    if act in {"approve", "decline"} and corrections:
        waiting = [correction for correction in corrections if correction.is_proposed]
        more["initial"] = {"correction": waiting[0].public_id} if waiting else {}
    return _ACTS[act].form(data, case=found, auto_id=f"{act}_%s", **more)


def _may(request: HttpRequest, act: str, found: Break) -> bool:
    """Whether this person may do it. Whoever proposed a correction may take it back."""
    if request.user.has_perm(_ACTS[act].permission):
        return True
    own = found.corrections.filter(status=Correction.Status.PROPOSED, maker_id=_actor(request))
    return act == "decline" and own.exists()


def _check_is_of(found: Break, form: forms.CaseForm) -> None:
    """Find no correction but the break's own: what may be done was judged by the break."""
    public_id = form.cleaned_data.get("correction")
    if public_id and not found.corrections.filter(public_id=public_id).exists():
        raise Http404


def _field(form: forms.CaseForm, refusal: Exception) -> str | None:
    field = getattr(refusal, "field", None)
    return field if field in form.fields else None


def _actor(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _row(case: Break) -> dict[str, Any]:
    return {
        "case": case,
        "name": reads.name_of(case),
        "theirs": amount(case.theirs_minor, case.theirs_currency),
        "ours": _ours(case),
    }


def _ours(case: Break) -> str:
    """Return what we posted; a payment that is only listed again is counted where it was first."""
    listed_again = case.kind == Break.Kind.REPEATED
    return "—" if listed_again else str(amount(case.ours_minor, case.currency))


def _facts(case: Break) -> list[tuple[str, object]]:
    """Return what is known of it, in words and links."""
    is_amount = case.is_one_currency and case.kind != Break.Kind.REPEATED
    difference = amount(case.difference_minor, case.currency) if is_amount else "—"
    return [
        ("Kind", Break.Kind(case.kind).label),
        ("Status", Break.Status(case.status).label),
        ("Happened", dates.full(case.happened_at)),
        ("The bank says", amount(case.theirs_minor, case.theirs_currency)),
        ("We posted", _ours(case)),
        ("Difference", difference),
        ("Left to correct", _left(case)),
        ("Bank's reference", case.bank_reference or "—"),
        ("About", link(case.of, case.of and case.of.reference)),
        ("Wallet", link(case.wallet)),
        ("Statement", f"{_day(case.statement.day)}, {case.statement.format}"),
        ("Found", dates.full(case.found_at)),
        ("Assigned to", case.assignee or "Nobody"),
    ]


def _day(on: date) -> str:
    return f"{dates.month_day(on)} {on.year}"


def _left(case: Break) -> str:
    """Return the difference less what was corrected, where that is still to be done."""
    is_amount = case.is_one_currency and case.kind != Break.Kind.REPEATED
    if case.status != Break.Status.OPEN or not is_amount:
        return "—"
    return amount(services.remaining_minor(break_id=case.pk), case.currency)


def _next(request: HttpRequest, last_id: int) -> str:
    query = request.GET.copy()
    query["before"] = str(last_id)
    return f"?{query.urlencode()}"


@add_section
def breaks() -> Section:
    """What banks and the ledger disagree on."""
    board, labels = reverse("desk:board"), dict(Break.Kind.choices)
    rows = [
        (
            format_html('<a href="{}?status=open&amp;kind={}">{}</a>', board, kind, labels[kind]),
            count,
        )
        for kind, count in reads.open_by_kind()
    ]
    return Section(
        title="Open breaks with banks",
        headers=["Kind", "Count"],
        rows=rows,
        note="Somebody must look at each." if rows else "",
        bad=bool(rows),
    )
