"""Sessions in the database as Django keeps them, read by a query that is compiled once."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from nexapay.kernel.prepared import Parameter, Prepared

_DATA = Prepared(
    lambda: Session.objects.filter(
        session_key=Parameter(CharField()), expire_date__gt=Parameter(DateTimeField())
    ).values_list("session_data")
)


class SessionStore(db.SessionStore):
    """What SESSION_ENGINE names: every request that knows somebody begins here."""

    def load(self) -> dict[str, Any]:
        """Return what is kept under the key, or nothing: then the key is not ours."""
        key = self.session_key or ""
        rows = _DATA.rows(key, timezone.now()) if key.isascii() and key.isalnum() else []
        if not rows:
            self._session_key = None
            return {}
        kept: dict[str, Any] = self.decode(rows[0][0])
        return kept
