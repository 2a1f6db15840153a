"""An image from a web address: bounded in bytes and time, and never from a place that nobody allowed."""

from __future__ import annotations

import ssl
import time
from functools import cache
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import certifi
import httpcore

from labeling.errors import FetchFailed
from labeling.web_addresses import AllowList, ascii_host, why_no_web_address
from models_registry.network import AddressRefused, PinnedNetwork

CONNECT_SECONDS = 5.0
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TRY_AGAIN = frozenset({404, 408, 425, 429})  # of the 4xx; a camera may write its file after the line has spoken
HEADERS = [("Accept", "image/*"), ("Accept-Encoding", "identity"), ("User-Agent", "reviewapp")]
PATH_SAFE, QUERY_SAFE = "/%:@!$&'()*+,;=~", "/%:@!$&'()*+,;=~?"


@cache
def _certificates() -> ssl.SSLContext:
    """The system's certificates (where plants add their own) and the public ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def download(url: str, *, allow: AllowList, max_bytes: int, seconds: float) -> bytes:
    """The bytes at ``url``, whatever their header calls them.

    Each name is resolved once, also after a redirect; the address that was checked is the one that is asked.

    :raises FetchFailed: codes ``image_host_refused``, ``image_url_refused``, ``image_too_large``, ``image_redirects``,
        ``image_http_NNN``, ``image_timeout``, ``image_host_unreachable``; `may_work_later` tells which to try again.
    """
    network = PinnedNetwork(allow.why_refused, connect_seconds=CONNECT_SECONDS)
    network.deadline = time.monotonic() + seconds
    with httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=network) as pool:
        try:
            for _ in range(MAX_REDIRECTS + 1):
                found = _ask(pool, url, max_bytes)
                if isinstance(found, bytes):
                    return found
                url = found
        except AddressRefused as error:
            raise FetchFailed(str(error), code="image_host_refused") from error
        except httpcore.TimeoutException as error:
            words = f"The image did not come within {seconds:g} seconds."
            raise FetchFailed(words, code="image_timeout", may_work_later=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            words = f"The image could not be read from {urlsplit(url).netloc}: {error or type(error).__name__}"
            raise FetchFailed(words[:500], code="image_host_unreachable", may_work_later=True) from error
    raise FetchFailed(f"More than {MAX_REDIRECTS} redirects.", code="image_redirects")


def _ask(pool: httpcore.ConnectionPool, url: str, max_bytes: int) -> bytes | str:
    """The body, or the address that it sends us to."""
    with pool.stream("GET", _in_ascii(url), headers=HEADERS) as response:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in REDIRECTS:
            return urljoin(url, headers.get("location", ""))
        if response.status != 200:
            later = response.status >= 500 or response.status in TRY_AGAIN
            words = f"{urlsplit(url).netloc} answered {response.status}."
            raise FetchFailed(words, code=f"image_http_{response.status}", may_work_later=later)
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            raise _too_large(max_bytes)
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
        return bytes(body)


def _too_large(max_bytes: int) -> FetchFailed:
    return FetchFailed(f"The image has more than {max_bytes / 2**20:g} MB.", code="image_too_large")


def _in_ascii(url: str) -> str:
    """:raises FetchFailed: no address that is asked: other schemes, credentials, no host."""
    if why := why_no_web_address(url):
        raise FetchFailed(f"The address of the image {why}.", code="image_url_refused")
    parts = urlsplit(url)
    host = ascii_host(parts)
    netloc = (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, netloc, quote(parts.path or "/", PATH_SAFE), quote(parts.query, QUERY_SAFE), ""))
