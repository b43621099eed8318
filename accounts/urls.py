"""Paths of a person's own settings. Those of the door are in doors.py."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.settings_page, name="settings"),
    path("profile/", views.profile, name="profile"),
    path("look/", views.look, name="look"),
    path("mail/", views.mail, name="mail"),
    path("privacy/", views.privacy, name="privacy"),
]
