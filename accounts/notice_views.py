"""What a person was told: the list of it, and the bell that says how much of it is new."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts import notices, selectors, services
from accounts.forms import ReadForm
from accounts.models import User
from nexapay.kernel import cursors, http


class Request(http.Request):
    """A request as it reaches these views: somebody is signed in."""

    user: User


@require_safe
def page(request: Request) -> HttpResponse:
    """Show my notices, newest first, a page at a time. Looking changes nothing: see read."""
    cursor = request.GET.get("cursor", "")
    try:
        shown = notices.page(user_id=request.user.pk, cursor=cursor)
    except cursors.BadCursor as error:
        raise Http404 from error
    context = {
        "rows": shown.rows,
        "seen": [row.subject for row in shown.rows if row.is_unread],
        "next_url": f"?cursor={shown.next_cursor}" if shown.next_cursor else "",
        "cursor": cursor,
    }
    partial = "accounts/_notices.html" if cursor else None
    return http.page(request, "accounts/notices.html", context, partial=partial)


@require_POST
def read(request: Request) -> HttpResponse:
    """Mark what was shown as read, or all of it; htmx gets the bell as it is then."""
    form = ReadForm(request.POST)
    if not form.is_valid():
        raise BadRequest("no such notices")
    subjects = form.cleaned_data["subject"]
    services.read_notices(user_id=request.user.pk, subjects=subjects, now=timezone.now())
    if request.htmx:
        request.user.unread = selectors.unread(user_id=request.user.pk)
        return render(request, "components/bell.html")
    messages.success(request, "Your notices are marked as read.")
    return http.go(request, "notices:list")


@require_safe
def bell(request: Request) -> HttpResponse:
    """Return the bell anew, if it counts something else than unread=; to htmx alone."""
    if not request.htmx:
        return redirect("notices:list")
    if request.GET.get("unread", "") == str(request.user.unread):
        return HttpResponse(status=204)
    response = render(request, "components/bell.html")
    return trigger_client_event(response, "notices-changed", after="swap")
