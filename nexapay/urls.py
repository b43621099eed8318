"""Which app answers which path."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from nexapay.kernel import views
from nexapay.kernel.admin import books

# One door for everybody, with one set of rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", views.home, name="home"),
    path("", include("wallet.urls")),  # Each that stands before another is tried for it as well.
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("accounts/", include("accounts.doors")),
    path("settings/", include("accounts.urls")),
    path("notices/", include("accounts.notice_urls")),
    path("", include("onramp.urls")),
    path("bank/", include("onramp.simbank.urls")),
    path("admin/books/", admin.site.admin_view(books), name="books"),
    path("admin/reconciliation/", include("onramp.desk.urls")),
    path("admin/", admin.site.urls),
]

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.page_not_found
handler429 = views.too_many  # allauth looks here for it.
handler500 = views.server_error
