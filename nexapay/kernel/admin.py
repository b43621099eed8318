"""What every admin here shares: money is only looked at, rows link to one another, books add up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from nexapay.kernel import ids, money

# What Django's own filters add to the name of a field.
_ENDINGS = ("", "__exact", "__isnull", "__gte", "__lt")
_DATE_ENDINGS = ("__year", "__month", "__day")


class OfferedLookups(admin.ModelAdmin):  # type: ignore[type-arg]
    """
    A list is filtered by what it offers: its filters, its dates and linked_lookups.

    Any other lookup, ?password__startswith=a, would tell staff what no page shows them.
    """

    linked_lookups: Sequence[str] = ()

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Allow what some page of ours links to; everything else answers 400."""
        offered = {f"{name}{ending}" for name in self.list_filter for ending in _ENDINGS}
        offered |= {f"{self.date_hierarchy}{ending}" for ending in _DATE_ENDINGS}
        return lookup in offered or lookup in self.linked_lookups

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Send back to the whole list whoever asks for a value that cannot be, such as a year 0."""
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters(error) from error


class LookOnlyAdmin(OfferedLookups):
    """Staff may look and never touch; corrections are new movements made by services."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted by hand."""
        return False


class FoundByReference(LookOnlyAdmin):
    """
    A list that staff also search by what people read to them: NXP-41AD-77C2-10F8, or its beginning.

    references says for each such prefix which field holds the id that the digits begin.
    """

    references: Mapping[str, str]
    search_help_text = "Also by reference: its letters and at least four of its digits."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Answer a reference by the index of ids, and anything else as ever."""
        term = search_term.strip().upper()
        for prefix, field in self.references.items():
            if term.startswith(prefix) and (meant := ids.said(term, prefix)):
                return queryset.filter(**{f"{field}__range": meant}), False
        return super().get_search_results(request, queryset, search_term)


def link(row: Model | None, text: object = None) -> str:
    """Return a link to the row's own admin page; nothing for no row."""
    if row is None:
        return "—"
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text or row)


def list_link(model: type[Model], text: str, **query: object) -> str:
    """Return a link to the admin's list of model, filtered by query."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return format_html('<a href="{}?{}">{}</a>', address, asked, text)


def amount(minor: int | None, currency: str) -> str:
    """Return an amount as staff read it; a dash where there is none."""
    return "—" if minor is None else money.format(minor, currency)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table of the books page. bad marks what staff must look at."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    bad: bool = False


_SECTIONS: list[Callable[[], Section]] = []


def add_section(section: Callable[[], Section]) -> Callable[[], Section]:
    """Let an app show a table on the books page."""
    _SECTIONS.append(section)
    return section


def books(request: HttpRequest) -> HttpResponse:
    """Show staff whether the books agree, at a glance."""
    context = {
        **admin.site.each_context(request),
        "title": "Books",
        "sections": [section() for section in _SECTIONS],
    }
    return TemplateResponse(request, "admin/books.html", context)
