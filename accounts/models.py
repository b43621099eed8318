"""
A person: how we call them, how they sign in, how others find them; and what they were told.

What the database refuses of a notice by itself is in migration 0003.
"""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower, Upper
from django.utils import timezone

from accounts import phones

UNREAD_COUNTED = 10  # What the bell says of more is 9+, so counting has an end.


class UserManager(BaseUserManager["User"]):
    """People, found by the key that signs them in to the admin: the handle."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(handle=(username or "").lower())

    def create_superuser(
        self, handle: str, password: str | None = None, *, name: str = "Staff", **fields: Any
    ) -> "User":
        """Make a person who may see everything in the admin; what opens with them opens too."""
        user = self.model(
            handle=handle.lower(), name=name, is_staff=True, is_superuser=True, **fields
        )
        user.set_password(password)
        with transaction.atomic(using=self.db):
            user.save(using=self.db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person. At least one of phone (E.164) and email (lower case) is there to sign in with."""

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    handle = models.CharField(max_length=30, unique=True, help_text="Without the @.")
    name = models.CharField(max_length=80)
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True)
    email = models.EmailField(max_length=254, unique=True, null=True, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    mail_received = models.BooleanField(
        default=True, db_default=True, help_text="Mail me when somebody pays me."
    )
    mail_added = models.BooleanField(
        default=True, db_default=True, help_text="Mail me when money from my bank is here."
    )
    mail_other = models.BooleanField(
        default=True, db_default=True, help_text="Mail me of withdrawals, and of what failed."
    )

    # How many notices are unread, UNREAD_COUNTED at the most; read with who is signed in.
    unread = 0

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "handle"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(handle__regex=r"^[a-z0-9][a-z0-9_.]{2,29}$"), name="user_handle_form"
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=True) | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
                name="user_phone_is_e164",
            ),
            models.CheckConstraint(
                condition=Q(email__isnull=True) | Q(email=Lower(F("email"))),
                name="user_email_lower_case",
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=False) | Q(email__isnull=False) | Q(is_staff=True),
                name="user_can_sign_in",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="user_has_a_name"),
        ]
        indexes = [
            # Recipient search: "mehta" finds Kabir Mehta. Upper is what istartswith compares.
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="user_name_search"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (@{self.handle})"

    @property
    def first_name(self) -> str:
        """What we call them: the first word of their name."""
        return self.name.split(" ")[0]

    @property
    def phone_ending(self) -> str:
        """The last four digits, to tell two people of one name apart; empty without a phone."""
        return self.phone[-4:] if self.phone else ""

    @property
    def phone_masked(self) -> str:
        """The phone as its owner sees it on a screen that others may see; empty without one."""
        return phones.masked(self.phone) if self.phone else ""


class Session(AbstractBaseSession):
    """
    A row of Django's own table of sessions, which also names its person (docs/decisions/0032).

    The column is for reading both at once. Who is signed in stands in the signed data.
    """

    user = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        managed = False  # Django's own migrations make the table, 0005 adds the column.
        db_table = "django_session"


class Notice(models.Model):
    """
    What one person was told of one movement: in the app, and by mail where they want that.

    Rows are written by the database itself, in the transaction of what they tell of: by triggers of
    the apps above. amount_minor is in minor units of currency, as it was, and so is who.
    """

    class Kind(models.TextChoices):
        RECEIVED = "received", "Was paid"
        ADDED = "added", "Money added"
        ADD_FAILED = "add_failed", "Money not added"
        WITHDRAWN = "withdrawn", "Withdrawn"
        WITHDRAW_FAILED = "withdraw_failed", "Not withdrawn"
        RETURNED = "returned", "Came back"
        CORRECTED_UP = "corrected_up", "Correction that adds"
        CORRECTED_DOWN = "corrected_down", "Correction that takes back"

    class Mail(models.TextChoices):
        NONE = "none", "None"
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    # No foreign key: each notice would lock its person's row. People with a wallet are never
    # deleted, and what is told of moves in wallets.
    user = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="notices",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=16, choices=Kind)
    subject = models.UUIDField(help_text="The public id of what is told of.")
    amount_minor = models.BigIntegerField(help_text="Minor units.")
    currency = models.CharField(max_length=3)
    who = models.CharField(max_length=80, blank=True, help_text="The other side, as it was called.")
    happened_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mail_status = models.CharField(max_length=8, choices=Mail, default=Mail.NONE)
    mail_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it is due, was taken or given up; else empty.",
    )
    mailed_at = models.DateTimeField(null=True, blank=True)
    mail_attempts = models.SmallIntegerField(default=0, db_default=0)
    mail_error = models.CharField(max_length=80, blank=True, db_default="")

    class Meta:
        # No CHECK: PostgreSQL reads the text of each anew for each payment, which took longer than
        # all else the row costs. What may become of a row is guarded where it changes (0003).
        constraints = [
            # Whatever is told of happened once, at one time: so this is one for each user, kind and
            # subject. In this order it is also the index that the page of notices reads.
            models.UniqueConstraint(
                fields=["user", "happened_at", "kind", "subject"], name="notice_once"
            ),
        ]
        indexes = [
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread"),
            models.Index(
                fields=["mail_status", "mail_at"],
                condition=Q(mail_at__isnull=False),
                name="notice_mail_open",
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"
