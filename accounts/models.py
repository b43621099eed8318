"""A person: how we call them, how they sign in, how others find them."""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower, Upper
from django.utils import timezone

from accounts import phones


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
