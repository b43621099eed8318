"""Money in from a bank."""

from django.apps import AppConfig


class OnrampConfig(AppConfig):
    name = "onramp"
