"""Paths of this app."""

from django.urls import path
from django.urls.resolvers import URLPattern

from onramp.simbank import views

app_name = "simbank"
urlpatterns: list[URLPattern] = [
    path("scenarios/", views.misbehaviour, name="scenarios"),
    path("pay/<slug:token>/", views.pay, name="pay"),
]
