"""A view of Django's that does nothing, behind no middleware: what Django itself costs."""

from django.conf import settings

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, MIDDLEWARE=[])

# What stands here needs settings.
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


def bare(_: HttpRequest) -> HttpResponse:
    """Answer 200."""
    return HttpResponse(b"ok", content_type="text/plain", headers={"Content-Length": "2"})


urlpatterns = [path("", bare)]
application = get_wsgi_application()
