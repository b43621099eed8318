"""The kernel is an app only for its commands and two tables that belong to nobody else."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "nexapay.kernel"
    label = "kernel"
