"""Who signs in is allauth's matter; who is signed in is read here, once for every request."""

from allauth.account.auth_backends import AuthenticationBackend as Allauth
from django.db.models import BigIntegerField

from accounts.models import User
from nexapay.kernel.prepared import Parameter, Prepared, columns_of, instance

_ACTIVE = Prepared(
    lambda: User.objects.filter(pk=Parameter(BigIntegerField()), is_active=True).values_list(
        *columns_of(User)
    )
)


class AuthenticationBackend(Allauth):
    """What AUTHENTICATION_BACKENDS names."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session, unless they may not be here any more."""
        rows = _ACTIVE.rows(user_id)
        return instance(User, rows[0]) if rows else None
