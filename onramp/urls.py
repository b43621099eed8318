"""Paths of this app."""

from django.urls import path
from django.urls.resolvers import URLPattern

from onramp import webhooks

app_name = "onramp"
urlpatterns: list[URLPattern] = [
    path("webhooks/bank/", webhooks.bank, name="webhook"),
]
