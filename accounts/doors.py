"""
The paths of allauth that we open, under the names it knows them by.

What is not here answers 404: nobody verifies or manages addresses, and there is no sign-in by code.
"""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from accounts import auth_views as views

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("signup/", views.SignUpView.as_view(), name="account_signup"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("password/change/", views.PasswordChangeView.as_view(), name="account_change_password"),
    path(
        "password/reset/",
        views.by_mail(views.PasswordResetView.as_view()),
        name="account_reset_password",
    ),
    path(
        "password/reset/done/",
        views.by_mail(views.PasswordResetDoneView.as_view()),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,100})/$",
        views.by_mail(views.PasswordResetFromKeyView.as_view()),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        views.by_mail(allauth_views.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]
