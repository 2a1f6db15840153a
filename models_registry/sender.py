"""One signed request to a receiver, bounded in time and size, never to an address that no receiver has."""

from __future__ import annotations

import ipaddress
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import httpcore
import httpx

from models_registry.delivery import Answer
from models_registry.network import PinnedNetwork

CONNECT_SECONDS = 3.0
EXCERPT = 500  # characters of an answer that are kept
MOST_BYTES = 4096  # of an answer that are read


def why_refused(host: str, address: str) -> str | None:
    """Link-local addresses hold cloud metadata; private and loopback ones are where plants have their systems."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):
        return f"{address} is not an address that webhooks are sent to."
    return None


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than many a request."""
    return httpx.create_ssl_context(trust_env=False)


class Sender:
    """Keeps its connection from one request to the next. Redirects and proxies of the environment are not followed."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self.network = PinnedNetwork(why_refused, connect_seconds=CONNECT_SECONDS)
        transport = httpx.HTTPTransport(verify=_certificates(), trust_env=False)
        transport._pool = httpcore.ConnectionPool(
            ssl_context=_certificates(), network_backend=self.network, max_connections=1
        )
        self.client = httpx.Client(transport=transport, follow_redirects=False, trust_env=False)

    def send(self, url: str, *, body: str, headers: Mapping[str, str]) -> Answer:
        started = time.monotonic()
        self.network.deadline = started + self.seconds
        try:
            with self.client.stream("POST", url, content=body.encode(), headers=dict(headers)) as response:
                excerpt = _beginning(response)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return Answer(None, _words(error), _since(started))
        return Answer(response.status_code, excerpt, _since(started), _seconds(response.headers.get("retry-after")))

    def close(self) -> None:
        self.client.close()


@contextmanager
def open_sender(*, seconds: float) -> Iterator[Sender]:
    sender = Sender(seconds=seconds)
    try:
        yield sender
    finally:
        sender.close()


def _beginning(response: httpx.Response) -> str:
    """What an answer begins with. One that breaks off after its status has been given still is an answer."""
    read = b""
    try:
        for chunk in response.iter_raw():
            read += chunk
            if len(read) >= MOST_BYTES:
                break
    except httpx.TransportError:
        read += b" [broken off]"
    return read[:MOST_BYTES].decode("utf-8", "replace").replace("\x00", "")[:EXCERPT]


def _words(error: Exception) -> str:
    """One sentence; the number that the operating system gives its errors says nothing to a reader."""
    words = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
    return f"No answer: {words.rstrip('.')[: EXCERPT - 20]}."


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _seconds(text: str | None) -> float | None:
    """Of the two forms of Retry-After the one in seconds."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
