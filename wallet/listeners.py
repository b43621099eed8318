"""What the wallet does when something happens below it."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import User
from wallet import services


@receiver(post_save, sender=User, dispatch_uid="wallet.open_first_wallet")
def open_first_wallet(instance: User, *, created: bool, raw: bool = False, **_: Any) -> None:
    """Open a person's wallet in the transaction that makes the person."""
    if created and not raw:
        services.open_wallet(owner_id=instance.pk, name=instance.name)
