"""JSON as the standard has it: no NaN, no lone surrogates, no surprise from deep nesting."""

from __future__ import annotations

from typing import IO, Any

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """:raises ParseError: with the place where the text stops being JSON."""
        try:
            return decode(stream.read())
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise ParseError(f"The body is not JSON: {error}.") from error


def decode(text: bytes | str) -> Any:
    return msgspec.json.decode(text)
