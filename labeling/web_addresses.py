"""What the address of an image may look like. Pure; where it leads is looked at when it is fetched."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

import idna

MAX_KEY = 200


def why_no_web_address(text: str) -> str:
    """Why ``text`` is no address that a worker or a browser may ask; empty when it is one."""
    if re.search(r"[\s\x00-\x1f\x7f\\]", text):
        return "holds a blank, a backslash or a control character"
    try:
        parts = urlsplit(text)
        port, host = parts.port, ascii_host(parts)
    except ValueError:
        return "has a host or a port that does not exist"
    if parts.scheme not in {"http", "https"}:
        return "begins with http:// or https://"
    if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host) or port == 0:
        return "names a host and, if any, a port that exist"
    if "@" in parts.netloc:
        return "holds a user or password; leave them out"
    return ""


def ascii_host(parts: SplitResult) -> str:
    """The host as name servers know it. :raises ValueError: it is no host name."""
    host = parts.hostname or ""
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def without_query(address: str) -> str:
    """The same place, whatever the signature in its query says."""
    return address.partition("?")[0].partition("#")[0]


def why_no_key(key: str) -> str:
    """Why ``key`` is no plain key in the file store; empty when it is."""
    if len(key) > MAX_KEY:
        return f"has more than {MAX_KEY} characters"
    if not key or re.search(r"[\x00-\x1f\x7f\\]", key):
        return "is empty or holds a backslash or a control character"
    if any(part in {"", ".", ".."} for part in key.split("/")):
        return "begins with /, or has an empty part, . or .."
    return ""
