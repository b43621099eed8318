"""Who may look: people with a wallet. The middleware has sent strangers to the sign-in page."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse

from accounts.models import User
from nexapay.kernel import http
from wallet import selectors
from wallet.models import Wallet

_P = ParamSpec("_P")


class Request(http.Request):
    """A request as it reaches these views: somebody is signed in."""

    user: User


def with_wallet(
    view: Callable[Concatenate[Request, Wallet, _P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _P], HttpResponse]:
    """Give the view the person's wallet; answer who has none, such as staff, with a page."""

    @wraps(view)
    def answer(given: HttpRequest, /, *args: _P.args, **kwargs: _P.kwargs) -> HttpResponse:
        request = cast(Request, given)
        wallet = selectors.primary_wallet(owner_id=request.user.pk)
        if wallet is None:
            status = 200 if request.method in {"GET", "HEAD"} else 403
            return http.page(request, "wallet/no_wallet.html", status=status)
        return view(request, wallet, *args, **kwargs)

    return answer
