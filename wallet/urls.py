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
    path("transactions/<uuid:public_id>/proof/", views.proof, name="proof"),
    path("ledger/checkpoints/", views.heads, name="checkpoints"),
    path("ledger/checkpoints/latest", views.latest, name="checkpoint_latest"),
    path("ledger/checkpoints/consistency", views.consistency, name="consistency"),
    path("ledger/checkpoints/<int:size>", views.head, name="checkpoint"),
]
