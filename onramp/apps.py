"""Money in from a bank."""

from django.apps import AppConfig

from onramp import banks


class OnrampConfig(AppConfig):
    name = "onramp"
    verbose_name = "On-ramp"

    def ready(self) -> None:
        """Refuse to start with a bank that we do not have."""
        banks.get_bank()
