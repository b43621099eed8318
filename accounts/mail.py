"""Notices as mails, in text and in HTML."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import notices
from accounts.models import Notice

_IDS = UUID("0f4c8a53-7a0e-4a39-9a3c-3f1f6f0f7d5e")


def compose(notice: Notice) -> EmailMultiAlternatives:
    """Return the mail that tells of it. A notice always has the same Message-ID."""
    context = _context(notice)
    mail = EmailMultiAlternatives(
        subject=context["sentence"],
        body=render_to_string("accounts/mail/notice.txt", context),
        to=[notice.user.email or ""],
        headers={"Message-ID": message_id(notice), "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string("accounts/mail/notice.html", context), "text/html")
    return mail


def message_id(notice: Notice) -> str:
    """Return the same for each time it may be sent, so that a mailbox can tell copies."""
    name = f"{notice.user_id}|{notice.kind}|{notice.subject}"
    return f"<{uuid5(_IDS, name)}@{urlsplit(settings.SITE_URL).hostname}>"


def _context(notice: Notice) -> dict[str, Any]:
    # One line, whatever somebody is called: it becomes a header.
    return {
        "first_name": notice.user.first_name,
        "sentence": " ".join(notices.sentence(notice).split()),
        "more": notices.more(notice),
        "at": notice.happened_at,
        "url": settings.SITE_URL + notices.url(notice),
        "settings_url": settings.SITE_URL + reverse("accounts:settings"),
    }
