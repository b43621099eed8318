"""Somebody else's bank, simulated: own tables, own pages, HTTP only."""

from django.apps import AppConfig


class SimbankConfig(AppConfig):
    name = "onramp.simbank"
    label = "simbank"
