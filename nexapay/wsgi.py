"""The door for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexapay.settings")
site = get_wsgi_application()

# What it needs is there once Django is set up.
from nexapay.kernel.door import Door, spare_listeners  # noqa: E402

spare_listeners()
application = Door(site, "/webhooks/bank/", "/webhooks/bank")
