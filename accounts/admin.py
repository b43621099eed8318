"""People, for staff: to find them, to close an account, to make somebody staff."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from nexapay.kernel.admin import OfferedLookups

# allauth's rows repeat User.email; changed here they would differ from it.
admin.site.unregister(EmailAddress)

_STAFF_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(OfferedLookups):
    """Nobody is made or deleted here: people join, and money remembers them."""

    list_display = [
        "handle",
        "name",
        "phone",
        "email",
        "is_active",
        "is_staff",
        "joined",
        "wallets",
    ]
    list_filter = ["is_active", "is_staff", "is_superuser", "date_joined", "last_login"]
    search_fields = ["handle", "name", "phone", "email"]
    search_help_text = "Handle, name, phone or email, or a part of one."
    date_hierarchy = "date_joined"
    ordering = ["-pk"]
    show_full_result_count = False
    list_per_page = 50
    filter_horizontal = ["groups", "user_permissions"]
    readonly_fields = [
        *("public_id", "handle", "phone", "email"),
        *("date_joined", "last_login", "wallets"),
    ]
    fieldsets = [
        (None, {"fields": ["name", "handle", "phone", "email", "public_id", "wallets"]}),
        ("Access", {"fields": ["is_active", *_STAFF_RIGHTS]}),
        ("Dates", {"fields": ["date_joined", "last_login"]}),
    ]

    @admin.display(description="Joined", ordering="date_joined")
    def joined(self, user: User) -> Any:
        return user.date_joined

    @admin.display(description="Wallets")
    def wallets(self, user: User) -> SafeString:
        url = reverse("admin:wallet_wallet_changelist")
        return format_html('<a href="{}?owner__id__exact={}">Wallets</a>', url, user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only a superuser gives rights away, or takes an account from another one of staff."""
        fixed = list(super().get_readonly_fields(request, obj))
        if request.user.is_superuser:
            return fixed
        return [*fixed, *_STAFF_RIGHTS, *(["name", "is_active"] if obj and obj.is_staff else [])]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """Write what was changed and no more: the person may be changing the rest right now."""
        columns = {field.name for field in User._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
