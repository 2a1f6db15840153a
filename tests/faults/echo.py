"""A WSGI application that says what it was given: what the web server's tests ask. It needs no database."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reviewapp.bridge import Bridge

MAX_BYTES = 100 * 2**20


def echo(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return _stream()
    if path == "/sleep":
        _note("sleeping")
        time.sleep(60)
    if path == "/refuse":
        return _json(start_response, {"refused": True}, status="403 Forbidden")
    if path == "/late":
        time.sleep(1)
    return _json(start_response, _said(environ) | _read(environ))


def _said(environ: dict[str, Any]) -> dict[str, Any]:
    names = ("REMOTE_ADDR", "PATH_INFO", "QUERY_STRING", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "CONTENT_LENGTH")
    return {name: environ.get(name) for name in names}


def _read(environ: dict[str, Any]) -> dict[str, Any]:
    digest, n_bytes = hashlib.sha256(), 0
    try:
        while piece := environ["wsgi.input"].read(65_536):
            digest.update(piece)
            n_bytes += len(piece)
    except Exception as error:
        _note(f"{type(error).__name__}: {error}")
        return {"error": type(error).__name__, "n_bytes": n_bytes}
    _note(f"read {n_bytes}")
    return {"sha256": digest.hexdigest(), "n_bytes": n_bytes}


def _json(start_response: Any, body: dict[str, Any], status: str = "200 OK") -> list[bytes]:
    text = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


def _stream() -> Iterator[bytes]:
    try:
        for number in range(100_000):
            yield f"{number}\n".encode()
            if number < 3:
                time.sleep(0.3)
            elif number > 50_000:
                time.sleep(0.001)
    finally:
        _note("stream closed")


def _note(text: str) -> None:
    with Path(os.environ["ECHO_NOTES"]).open("a") as notes:
        notes.write(text + "\n")


application = Bridge(echo, threads=2, max_bytes=MAX_BYTES)
