"""JSON as the standard has it: no NaN, no lone surrogates, no surprise from deep nesting. Bodies are bounded."""

from __future__ import annotations

from typing import IO, Any

import msgspec
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

from reviewapp.errors import ReviewAppError


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """:raises ParseError: with the place where the text stops being JSON. :raises ReviewAppError: too large."""
        text = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(text) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
            raise ReviewAppError(
                f"The body is larger than {limit} MB. Send fewer rows at once.", code="body_too_large", http_status=413
            )
        try:
            return decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise ParseError(f"The body is not JSON: {error}.") from error


class Utf8MultiPartParser(MultiPartParser):
    """Forms with files, in UTF-8 whatever the header says: some of Python's codecs are not for text."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})


def decode(text: bytes | str) -> Any:
    return msgspec.json.decode(text)
