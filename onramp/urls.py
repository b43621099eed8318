"""Paths of this app."""

from django.urls import path
from django.urls.resolvers import URLPattern

from onramp import checkout, views, webhooks

app_name = "onramp"
urlpatterns: list[URLPattern] = [
    path("add-money/", views.add, name="add"),
    path("add-money/<uuid:public_id>/", views.detail, name="detail"),
    path("add-money/<uuid:public_id>/status/", views.status, name="status"),
    path("add-money/<uuid:public_id>/continue/", views.continue_, name="continue"),
    path("add-money/<uuid:public_id>/back/", checkout.back, name="back"),
    path("add-money/checkout/<str:sealed>/", checkout.checkout, name="checkout"),
    path("webhooks/bank/", webhooks.bank, name="webhook"),
    path("webhooks/bank", webhooks.bank),  # A redirect to the slash would lose the body.
]
