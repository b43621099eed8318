"""Addresses of things with a public id: a list has dozens, and reverse() looks each up anew."""

from functools import lru_cache
from uuid import UUID

from django.urls import get_script_prefix, reverse

_ANY = UUID(int=0)


def to(name: str, public_id: UUID) -> str:
    """Return reverse(name, args=[public_id])."""
    before, after = _around(name, get_script_prefix())
    return f"{before}{public_id}{after}"


@lru_cache(maxsize=32)
def _around(name: str, prefix: str) -> tuple[str, str]:
    """Return what stands before and after the id; reverse() puts in the prefix by itself."""
    before, after = reverse(name, args=[_ANY]).split(str(_ANY))
    return before, after
