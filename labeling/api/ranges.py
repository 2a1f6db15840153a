"""A file of the store as an answer: whole, in part (RFC 9110 §14), not at all when the client has it, or elsewhere."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse

from models_registry import files

PRESIGNED_SECONDS = 600


def serve(request: HttpRequest, key: str, *, etag: str, content_type: str, headers: dict[str, str]) -> HttpResponseBase:
    """Stream ``key``, or the one range that is asked for; several at once are answered with the whole."""
    size = files.size(key)
    headers = headers | {"ETag": etag, "Accept-Ranges": "bytes"}
    start, end, status = 0, size - 1, 200
    asked = request.headers.get("Range", "")
    if asked and request.headers.get("If-Range", etag) == etag:
        found = _range(asked, size)
        if found == (0, -1):
            return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        if found is not None:
            (start, end), status = found, 206
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    length = end - start + 1
    headers["Content-Length"] = str(length)
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=content_type, headers=headers)
    body = files.pieces(key, start=start, length=length)
    return StreamingHttpResponse(body, status=status, content_type=content_type, headers=headers)


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte; None when the header is to be ignored, (0, -1) when nothing of it is there."""
    found = re.fullmatch(r"bytes=\s*([0-9]{0,19})-([0-9]{0,19})\s*", asked)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        return (max(0, size - int(last)), size - 1) if int(last) and size else (0, -1)
    if last and int(last) < int(first):
        return None
    return (int(first), min(int(last or size), size - 1)) if int(first) < size else (0, -1)


def elsewhere(key: str) -> HttpResponseBase | None:
    """A redirect to the S3 server, good for some minutes; None where the store is a directory."""
    url = files.presigned_url(key, seconds=PRESIGNED_SECONDS)
    if url is None:
        return None
    return HttpResponseRedirect(url, headers={"Cache-Control": f"private, max-age={PRESIGNED_SECONDS // 2}"})
