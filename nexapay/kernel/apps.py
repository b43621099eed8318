"""The kernel is an app only for its commands and two tables that belong to nobody else."""

from typing import Any

from django.apps import AppConfig, apps
from django.conf import LazySettings
from django.db.models.signals import post_migrate

from nexapay.kernel import grants


class KernelConfig(AppConfig):
    name = "nexapay.kernel"
    label = "kernel"

    def ready(self) -> None:
        """Shorten the way to settings; after each migration let the serving role at what is new."""
        # Django's way is for proxies of any object. Settings, which keep what was looked up, need
        # none of it, and a request asks for forty.
        LazySettings.__getattribute__ = object.__getattribute__  # type: ignore[method-assign]
        # Sent for every app with models, of which we are none; one of them is enough.
        one = apps.get_app_config("contenttypes")
        post_migrate.connect(_grant, sender=one, dispatch_uid="kernel.grant")


def _grant(**_: Any) -> None:
    grants.let_the_app_serve()
