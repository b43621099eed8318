"""Who a person is."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
