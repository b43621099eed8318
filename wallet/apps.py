"""What a person has."""

from importlib import import_module

from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "wallet"

    def ready(self) -> None:
        """Hear of new people."""
        import_module("wallet.listeners")
