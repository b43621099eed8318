"""The door for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexapay.settings")
site = get_wsgi_application()

from nexapay.kernel.door import Door  # noqa: E402  # What it needs is there once Django is set up.

application = Door(site, "/webhooks/bank/", "/webhooks/bank")
