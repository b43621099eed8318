"""People, for staff: to find them, to close an account, to make somebody staff; and their mail."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import mailing
from accounts.models import Notice, User
from nexapay.kernel.admin import (
    LookOnlyAdmin,
    OfferedLookups,
    Section,
    add_section,
    amount,
    link,
    list_link,
)

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


@admin.register(Notice)
class NoticeAdmin(LookOnlyAdmin):
    """What people were told, and what became of its mail."""

    list_display = [
        *("__str__", "of_user", "kind", "money", "mail_status", "mail_at"),
        *("mail_attempts", "mail_error", "happened_at", "read_at"),
    ]
    list_filter = ["mail_status", "kind", "happened_at"]
    list_select_related = ["user"]
    search_fields = ["=subject", "=user__handle", "=user__phone", "=user__email"]
    search_help_text = "Public id of the movement; handle, phone or email of the person."
    ordering = ["-id"]
    actions = ["send_again"]
    readonly_fields = ["of_user", "money"]

    @admin.display(description="Person")
    def of_user(self, notice: Notice) -> str:
        """Link to who was told."""
        return link(notice.user)

    @admin.display(description="Amount", ordering="amount_minor")
    def money(self, notice: Notice) -> str:
        """The amount in words people use."""
        return amount(notice.amount_minor, notice.currency)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Whoever may change notices may send their mail again; nobody may edit one."""
        return request.user.has_perm("accounts.change_notice")

    @admin.action(description="Send the mail again", permissions=["send"])
    def send_again(self, request: HttpRequest, notices: QuerySet[Notice]) -> None:
        """Let mails that nobody will send by itself wait once more."""
        ids = list(notices.values_list("pk", flat=True))
        waiting = mailing.send_again(notice_ids=ids, now=timezone.now())
        said = f"{waiting} of {len(ids)} mails wait to be sent again."
        messages.success(
            request, f"{said} The others had not failed." if waiting < len(ids) else said
        )


@add_section
def dead_mails() -> Section:
    """Mails that wait for staff."""
    labels = dict(Notice.Mail.choices)
    rows = [
        (list_link(Notice, str(labels[status]), mail_status__exact=status), count)
        for status, count in mailing.dead_by_status(timezone.now())
    ]
    return Section(
        title="Mails that were not sent",
        headers=["Status", "Count"],
        rows=rows,
        note="Who was being sent a mail when its worker died may have got it." if rows else "",
        bad=bool(rows),
    )
