"""Paths of this app."""

from django.urls.resolvers import URLPattern

app_name = "wallet"
urlpatterns: list[URLPattern] = []
