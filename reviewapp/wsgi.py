"""Django as WSGI calls it. `asgi.py` serves it; another WSGI server can, too."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")


class Request(WSGIRequest):
    """A request whose body may be chunked: it has no length and ends where the client ends it.

    Django and Django REST framework take a body without a length for none, so such a body is given the longest that
    is read into memory at once. Whoever reads it in pieces may read more.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._chunked = bool(environ.get("wsgi.input_terminated"))
        if self._chunked:
            environ["CONTENT_LENGTH"] = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        super().__init__(environ)
        if self._chunked:
            self._stream = environ["wsgi.input"]

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        if not self._chunked or (args and args[0] not in {-1, None}):
            return super().read(*args, **kwargs)
        whole = super().read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(whole) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The body is larger than is read at once.")
        return whole


class Handler(WSGIHandler):
    request_class = Request


django.setup(set_prefix=False)
application = Handler()
