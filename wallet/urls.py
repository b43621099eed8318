"""Paths of this app."""

from django.urls import path

from wallet import views

app_name = "wallet"
urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("send/", views.send, name="send"),
    path("send/people/", views.send_people, name="send_people"),
    path("send/review/<uuid:key>/", views.review, name="send_review"),
    path("transactions/", views.history, name="history"),
    path("transactions/<uuid:public_id>/", views.receipt, name="receipt"),
]
