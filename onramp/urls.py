"""Paths of this app."""

from django.urls.resolvers import URLPattern

app_name = "onramp"
urlpatterns: list[URLPattern] = []
