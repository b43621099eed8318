"""Lists of the admin are filtered by what they offer, and by nothing else."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from nexapay.kernel.admin import OfferedLookups
from onramp.models import OnRampTransaction
from onramp.simbank.models import Payment
from tests.factories import make_user, make_wallet, send
from wallet.models import Entry, Transfer, Wallet

pytestmark = pytest.mark.django_db
OURS = [model for model, of in admin.site._registry.items() if isinstance(of, OfferedLookups)]
MOMENTS = [
    (model, field.name)
    for model in OURS
    for field in model._meta.concrete_fields
    if isinstance(field, models.DateTimeField)
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("Staff", is_staff=True, is_superuser=True))
    return client


def url(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_all_our_apps_are_held_to_it() -> None:
    labels = {"accounts", "wallet", "onramp", "simbank"}
    registered = {model for model in admin.site._registry if model._meta.app_label in labels}

    assert registered == set(OURS)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/admin/accounts/user/", "password__startswith=argon2"),
        ("/admin/accounts/user/", "phone__startswith=%2B91"),
        ("/admin/accounts/user/", "is_active__regex=1"),
        (url(OnRampTransaction), "token__startswith=a"),
        (url(OnRampTransaction), "wallet__owner__password__startswith=a"),
        (url(Payment), "token__gte=a"),
        (url(Wallet), "owner__password__startswith=argon2"),
        (url(Transfer), "happened_at__year=0"),
        (url(Entry), "created_at__year=2026"),
    ],
)
def test_a_lookup_that_no_page_offers_is_refused(staff: Client, path: str, query: str) -> None:
    assert staff.get(f"{path}?{query}").status_code == 400


@pytest.mark.parametrize(("model", "name"), MOMENTS)
@pytest.mark.parametrize("year", ["0", "10000", "9" * 30, "x"])
def test_a_year_that_cannot_be_is_no_fault_of_ours(
    staff: Client, model: Any, name: str, year: str
) -> None:
    assert staff.get(url(model), {f"{name}__year": year}).status_code in {302, 400}


@pytest.mark.parametrize("query", ["currency=%00", "posted_at__gte=x", "kind__exact=a&p=x"])
def test_a_value_that_cannot_be_leads_back_to_a_list(staff: Client, query: str) -> None:
    assert staff.get(f"{url(Transfer)}?{query}").status_code in {200, 302}


@pytest.mark.parametrize("model", OURS)
def test_every_link_that_a_list_shows_leads_somewhere(staff: Client, model: Any) -> None:
    send(make_wallet(balance_minor=500), make_wallet(), 250)
    page = staff.get(url(model)).content.decode()
    links = {
        link.replace("&amp;", "&")
        for link in re.findall(r'href="((?:/admin/)?[^"]*\?[^"]+)"', page)
    }

    for link in links:
        answer = staff.get(link if link.startswith("/") else url(model) + link)
        assert answer.status_code == 200, link
