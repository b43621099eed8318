"""The kernel is an app only for its commands and two tables that belong to nobody else."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from nexapay.kernel import grants


class KernelConfig(AppConfig):
    name = "nexapay.kernel"
    label = "kernel"

    def ready(self) -> None:
        """After each migration let the serving role at what is new."""
        post_migrate.connect(_grant, sender=self, dispatch_uid="kernel.grant")


def _grant(**_: Any) -> None:
    grants.let_the_app_serve()
