"""The staff's button that does what `manage reconcile --date D` does."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from nexapay.kernel import dates
from nexapay.kernel.db import Busy
from onramp import banks, services, statements
from onramp.desk import forms, reads
from onramp.models import Statement

MAY_MATCH = "onramp.change_break"


@require_POST
@permission_required(MAY_MATCH, raise_exception=True)
def match(request: HttpRequest) -> HttpResponse:
    """Ask the bank for a day's statement and match it, and say how that went."""
    form = forms.DayForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Nothing was matched. {form.errors['day'][0]}")
    else:
        _match(request, form.cleaned_data["day"])
    return HttpResponseRedirect(reverse("desk:board"), status=303)


def _match(request: HttpRequest, day: date) -> None:
    said = f"{dates.month_day(day)} {day.year}"
    try:
        given = services.fetch_statement(day=day)
        statement = services.reconcile(given=given, now=timezone.now())
    except banks.BankUnreachable as error:
        messages.error(request, f"{said}: the bank gave no statement. {error}.")
    except banks.NoStatement as error:
        messages.error(request, f"{said}: {error}. Match it from a file: manage reconcile --file.")
    except statements.BadStatement as error:
        messages.error(request, f"{said}: the statement {error}. Nothing of it was kept.")
    except Busy as error:
        messages.error(request, f"{said}: {error}")
    else:
        _tell(request, said, statement)


def _tell(request: HttpRequest, day: str, statement: Statement) -> None:
    found = len(reads.open_of(statement_id=statement.pk))
    counted = f"{day}: {statement.lines:,} lines, {statement.matched:,} matched."
    if found:
        messages.warning(request, f"{counted} Open breaks: {found:,}.")
    else:
        messages.success(request, f"{counted} {reads.agreement(statement)}")
