"""The one door: Django in a pool of threads behind an event loop. `python -m reviewapp.serve` serves it."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

from django.conf import settings

from reviewapp import wsgi
from reviewapp.bridge import Bridge

application = Bridge(wsgi.application, threads=settings.WEB_THREADS, max_bytes=settings.MAX_REQUEST_BYTES)
