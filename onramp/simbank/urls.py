"""Paths of this app."""

from django.urls import path
from django.urls.resolvers import URLPattern

from onramp.simbank import views

app_name = "simbank"
urlpatterns: list[URLPattern] = [
    path("pay/<slug:token>/", views.pay, name="pay"),
]
