"""Who signs in is allauth's matter; who is signed in is read here, once for every request."""

from allauth.account.auth_backends import AuthenticationBackend as Allauth
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Func, IntegerField, OuterRef

from accounts.models import UNREAD_COUNTED, Notice, User
from nexapay.kernel.prepared import Parameter, Prepared, columns_of, instance

# Counted with the person, in one query, and never further than the bell tells.
_UNREAD = Func(
    ArraySubquery(
        Notice.objects.filter(user_id=OuterRef("pk"), read_at__isnull=True).values("pk")[
            :UNREAD_COUNTED
        ]
    ),
    function="cardinality",
    output_field=IntegerField(),
)
_ACTIVE = Prepared(
    lambda: User.objects.filter(pk=Parameter(BigIntegerField()), is_active=True).values_list(
        *columns_of(User), _UNREAD
    )
)


class AuthenticationBackend(Allauth):
    """What AUTHENTICATION_BACKENDS names."""

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session, unless they may not be here any more."""
        rows = _ACTIVE.rows(user_id)
        if not rows:
            return None
        *columns, unread = rows[0]
        user = instance(User, tuple(columns))
        user.unread = unread
        return user
