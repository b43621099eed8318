"""Paths of this app."""

from django.urls import path
from django.urls.resolvers import URLPattern

from onramp import checkout, views, webhooks, withdraw_views

app_name = "onramp"
urlpatterns: list[URLPattern] = [
    path("add-money/", views.add, name="add"),
    path("add-money/<uuid:public_id>/", views.detail, name="detail"),
    path("add-money/<uuid:public_id>/status/", views.status, name="status"),
    path("add-money/<uuid:public_id>/continue/", views.continue_, name="continue"),
    path("add-money/<uuid:public_id>/back/", checkout.back, name="back"),
    path("add-money/checkout/<str:sealed>/", checkout.checkout, name="checkout"),
    path("withdraw/", withdraw_views.withdraw, name="withdraw"),
    path("withdraw/accounts/", withdraw_views.accounts, name="accounts"),
    path(
        "withdraw/accounts/<uuid:public_id>/remove/", withdraw_views.remove, name="account_remove"
    ),
    path("withdraw/<uuid:public_id>/", withdraw_views.detail, name="withdrawal"),
    path("withdraw/<uuid:public_id>/status/", withdraw_views.status, name="withdrawal_status"),
    path("withdraw/<uuid:public_id>/cancel/", withdraw_views.cancel, name="withdrawal_cancel"),
    path("webhooks/bank/", webhooks.bank, name="webhook"),
    path("webhooks/bank", webhooks.bank),  # A redirect to the slash would lose the body.
]
