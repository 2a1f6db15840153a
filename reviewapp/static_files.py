"""Static files as whitenoise serves them, our own scripts and styles compressed: a quarter of the bytes, no build step.

They are public and the same for everybody, so compression tells nothing. What is answered with a person's data stays
uncompressed, but for the station's page, which repeats nothing that was asked.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

OURS = ("/labeling/", "/reviewapp/", "/models_registry/")
TEXTS = (".js", ".css", ".svg")
COMMENTS = re.compile(rb"^[ \t]*(?://[^\n]*|/\*(?!!).*?\*/[ \t]*)\n", re.MULTILINE | re.DOTALL)


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        plain = super().get_static_file(path, url, stat_cache)
        if not url.endswith(TEXTS) or not any(folder in url for folder in OURS):
            return plain
        headers = [(name, value) for name, value in plain.alternatives[-1][2] if name != "Content-Length"]
        return StaticFile(path, headers, encodings={"gzip": compressed(Path(path), Path(settings.VAR) / "static-gzip")})


def compressed(path: Path, folder: Path) -> str:
    """The compressed copy, named by what it holds: made once, by whichever process comes first."""
    data = without_comments(path.read_bytes())
    copy = folder / f"{hashlib.sha256(data).hexdigest()}.gz"
    if not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(gzip.compress(data, 9, mtime=0))
        Path(name).replace(copy)
    return str(copy)


def without_comments(data: bytes) -> bytes:
    """A script or a style without the lines that only explain: a fifth of what goes over the line. Licences stay."""
    return COMMENTS.sub(b"", data)
