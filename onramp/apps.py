"""Money in from a bank."""

from importlib import import_module

from django.apps import AppConfig

from onramp.audit import CHECKS


class OnrampConfig(AppConfig):
    name = "onramp"
    verbose_name = "On-ramp"

    def ready(self) -> None:
        """Join the history, the notices and the proof of the books."""
        import_module("onramp.history")  # It adds its rows to the history of a wallet,
        import_module("onramp.selectors")  # and this leads from receipts to withdrawals.
        selectors = import_module("wallet.selectors")
        for title, query in CHECKS.items():
            selectors.add_check(title, query)
        choices = import_module("onramp.banks").CHOICES
        names = {code: choice.name for code, choice in choices.items()}
        import_module("accounts.services").name_banks(names)
