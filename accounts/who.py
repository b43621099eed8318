"""A person as every request reads them: with what is unread, counted in the same query."""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef

from accounts.models import UNREAD_COUNTED, Notice, User
from nexapay.kernel.prepared import columns_of, instance


def columns(of: str = "") -> tuple[str | Func, ...]:
    """
    Return what to read of a person, for values_list: their id first.

    of is the path to them, such as user__.
    """
    # Never counted further than the bell tells. What is collected is what the index has, so that
    # nobody's hundreds of notices are looked at for it.
    unread = Notice.objects.filter(user_id=OuterRef(f"{of}pk"), read_at__isnull=True)
    some = ArraySubquery(unread.values("user_id")[:UNREAD_COUNTED])
    return (
        *columns_of(User, of),
        Func(some, function="cardinality", output_field=IntegerField()),
    )


def person(row: Sequence[Any]) -> User:
    """Make the person of a row of columns(), which begins with their id."""
    *said, unread = row
    user = instance(User, tuple(said))
    user.unread = unread
    return user
