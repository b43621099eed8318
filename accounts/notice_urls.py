"""Paths of what a person was told."""

from django.urls import path

from accounts import notice_views as views

app_name = "notices"
urlpatterns = [
    path("", views.page, name="list"),
    path("read/", views.read, name="read"),
    path("bell/", views.bell, name="bell"),
]
