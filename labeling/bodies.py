"""A body that arrives in pieces, as rows: NDJSON or one JSON array, gzip or not. Memory does not grow with it. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from reviewapp.errors import ReviewAppError

MAX_ROW_BYTES = 524_288
PIECE = 65_536
GZIP = 16 + zlib.MAX_WBITS
BLANK = b" \t\r\n"
# What matters for the shape of JSON: whole strings (a bracket in one is only text), brackets and commas. A quotation
# mark alone opens a string whose end has not come yet.
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)


class BodyRefused(ReviewAppError):
    """The body ends here; rows before this point were complete."""

    code = "bad_body"


def bounded(pieces: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """:raises BodyRefused: ``body_too_large``."""
    n = 0
    for piece in pieces:
        n += len(piece)
        if n > max_bytes:
            raise BodyRefused(
                f"The body is larger than {max_bytes // 2**20} MB. Send fewer rows at once.",
                code="body_too_large", http_status=413,
            )  # fmt: skip
        yield piece


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip, also several members in a row, never more than `PIECE` bytes at a time: a bomb fills no memory.

    :raises BodyRefused: ``broken_gzip``; not gzip, damaged, or cut off.
    """
    unpack = zlib.decompressobj(GZIP)
    for piece in pieces:
        while piece:
            if unpack.eof:
                unpack = zlib.decompressobj(GZIP)
            try:
                out = unpack.decompress(piece, PIECE)
            except zlib.error as error:
                raise _broken_gzip(str(error)) from error
            if out:
                yield out
            piece = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    while not unpack.eof:
        out = unpack.decompress(b"", PIECE)
        if not out:
            raise _broken_gzip("it is cut off")
        yield out


def _broken_gzip(why: str) -> BodyRefused:
    return BodyRefused(f"The body is not whole gzip: {why}.", code="broken_gzip")


def rows(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of each row: of an array's elements, or of each line that is not blank.

    :raises BodyRefused: ``row_too_large``, or ``bad_body``: an array that does not end, or more behind its end.
    """
    stream, head = iter(pieces), b""
    while not head:
        try:
            head = next(stream).lstrip(BLANK)
        except StopIteration:
            return
    yield from _elements(chain([head[1:]], stream)) if head[:1] == b"[" else _lines(chain([head], stream))


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip(BLANK):
                yield _not_too_large(line)
        _not_too_large(rest)
    if rest.strip(BLANK):
        yield rest


def _elements(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The elements of one JSON array. Only its outer shape is looked at here; each element is decoded by itself."""
    text, at, depth, n = b"", 0, 0, 0
    for piece in pieces:
        text, start, reached = text + piece, 0, len(text) + len(piece)
        for token in TOKEN.finditer(text, at):
            sign = token.group()
            if sign == b'"':
                reached = token.start()
                break
            if sign in b"[{":
                depth += 1
            elif sign in b"]}" and depth:
                depth -= 1
            elif sign in b",]" and not depth:
                element = text[start : token.start()].strip(BLANK)
                if element or n or sign == b",":
                    yield _not_too_large(element)
                start, n = token.end(), n + 1
                if sign == b"]":
                    return _refuse_more(chain([text[start:]], pieces))
        text, at = _not_too_large(text[start:]), reached - start
    raise BodyRefused("The array does not end: the body was cut off.", code="body_cut")


def _refuse_more(pieces: Iterable[bytes]) -> None:
    if any(piece.strip(BLANK) for piece in pieces):
        raise BodyRefused("There is more behind the end of the array.")


def _not_too_large(row: bytes) -> bytes:
    if len(row) > MAX_ROW_BYTES:
        raise BodyRefused(f"A row is larger than {MAX_ROW_BYTES} bytes.", code="row_too_large", http_status=413)
    return row
