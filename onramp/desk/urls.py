"""Paths of the staff's pages, behind the admin's own door."""

from django.contrib import admin
from django.urls import path
from django.urls.resolvers import URLPattern

from onramp.desk import matching, views

app_name = "desk"
_case = admin.site.admin_view(views.case)
urlpatterns: list[URLPattern] = [
    path("", admin.site.admin_view(views.board), name="board"),
    path("match/", admin.site.admin_view(matching.match), name="match"),
    path("<uuid:public_id>/", _case, name="case"),
    path("<uuid:public_id>/<slug:act>/", _case, name="act"),
]
