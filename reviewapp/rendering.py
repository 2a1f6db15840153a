"""JSON out."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.renderers import JSONRenderer


class StructRenderer(JSONRenderer):
    """A Struct is written by the library that declared it, and fast; the rest as the framework does."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        if isinstance(data, msgspec.Struct):
            return msgspec.json.encode(data)
        return bytes(super().render(data, accepted_media_type, renderer_context))


class PlainRenderer(StructRenderer):
    """Dicts and lists too, for views that answer all day and say nothing that only the framework can write."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return msgspec.json.encode(data, enc_hook=str) if data is not None else b""
