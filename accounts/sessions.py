"""Sessions in the database as Django keeps them, each read together with its person."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from accounts import who
from accounts.models import Session, User
from nexapay.kernel.prepared import Parameter, Prepared

_KEPT = Prepared(
    lambda: Session.objects.filter(
        session_key=Parameter(CharField()), expire_date__gt=Parameter(DateTimeField())
    ).values_list("session_data", *who.columns("user__"))
)

_KEEP = Prepared(
    "UPDATE django_session SET session_data = %s, expire_date = %s, user_id = %s"
    " WHERE session_key = %s RETURNING session_key"
)


class SessionStore(db.SessionStore):
    """What SESSION_ENGINE names: every request that knows somebody begins here."""

    # Whom its row names, as they were when it was read. That they are signed in says the data.
    person: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return what a row is."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row to be kept, which names who is signed in."""
        session: Session = super().create_model_instance(data)  # type: ignore[assignment]
        session.user_id = data.get(SESSION_KEY)
        return session

    def load(self) -> dict[str, Any]:
        """Return what is kept under the key, or nothing: then the key is not ours."""
        key = self.session_key or ""
        rows = _KEPT.rows(key, timezone.now()) if key.isascii() and key.isalnum() else []
        if not rows:
            self._session_key = self.person = None
            return {}
        data, *person = rows[0]
        self.person = who.person(person) if person[0] else None
        kept: dict[str, Any] = self.decode(data)
        return kept

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002
        """
        Keep it; a session that is there already in one statement.

        :raises UpdateError: if it is gone meanwhile, or could not be kept.
        """
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        row = self.create_model_instance(dict(self.items()))
        values = (row.session_data, row.expire_date, row.user_id, row.session_key)
        try:
            kept = _KEEP.rows(*values)
        except DatabaseError as error:
            raise UpdateError from error
        if not kept:
            raise UpdateError
