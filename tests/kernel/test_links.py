"""Addresses of things with a public id."""

from uuid import uuid4

import pytest
from django.test.utils import override_script_prefix
from django.urls import reverse

from nexapay.kernel import links


@pytest.mark.parametrize("name", ["wallet:receipt", "onramp:detail", "onramp:status"])
def test_are_those_that_django_reverses(name: str) -> None:
    public_id = uuid4()

    assert links.to(name, public_id) == reverse(name, args=[public_id])
    with override_script_prefix("/elsewhere/"):
        assert links.to(name, public_id).startswith("/elsewhere/")
        assert links.to(name, public_id) == reverse(name, args=[public_id])
