"""Money in from a bank."""

from importlib import import_module

from django.apps import AppConfig

from onramp import banks
from onramp.audit import CHECKS


class OnrampConfig(AppConfig):
    name = "onramp"
    verbose_name = "On-ramp"

    def ready(self) -> None:
        """Refuse to start with a bank that we do not have, and join the proof of the books."""
        banks.get_bank()
        import_module("onramp.selectors")  # It adds on-ramps to the history.
        selectors = import_module("wallet.selectors")
        for title, query in CHECKS.items():
            selectors.add_check(title, query)
