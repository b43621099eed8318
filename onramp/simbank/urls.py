"""Paths of this app."""

from django.urls.resolvers import URLPattern

app_name = "simbank"
urlpatterns: list[URLPattern] = []
