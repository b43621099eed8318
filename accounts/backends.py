"""Who signs in is allauth's matter; who is signed in is read here, once for every request."""

from contextvars import ContextVar

from allauth.account.auth_backends import AuthenticationBackend as Allauth
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import BigIntegerField
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import who
from accounts.models import User
from accounts.sessions import SessionStore
from nexapay.kernel.prepared import Parameter, Prepared

_ACTIVE = Prepared(
    lambda: User.objects.filter(pk=Parameter(BigIntegerField()), is_active=True).values_list(
        *who.columns()
    )
)
# The session whose person is asked for; Django tells a backend the id alone.
_asked: ContextVar[SessionBase | None] = ContextVar("asked", default=None)


class AuthenticationBackend(Allauth):
    """What AUTHENTICATION_BACKENDS names."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session, unless they may not be here any more."""
        session = _asked.get()
        person = session.person if isinstance(session, SessionStore) else None
        if person and person.pk == user_id:
            return person if person.is_active else None
        rows = _ACTIVE.rows(user_id)
        return who.person(rows[0]) if rows else None


class SignedIn(AuthenticationMiddleware):
    """Django's, which finds the person that was read with the session."""

    def process_request(self, request: HttpRequest) -> None:
        """Let request.user be whoever is there, once somebody asks."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    asked = _asked.set(request.session)
    try:
        request.user = auth.get_user(request)  # Whoever asks again need not ask a lazy object.
    finally:
        _asked.reset(asked)
    return request.user
