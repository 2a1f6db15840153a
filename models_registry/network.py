"""A network for requests to addresses that others name: each name is resolved once, what it leads to is checked, the
connection goes to exactly that, and everything ends with a deadline, however slowly the other side trickles.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

WhyRefused = Callable[[str, str], str | None]  # (host, address) -> why nothing is sent there


class AddressRefused(httpcore.ConnectError):
    """The name leads to an address that nothing is sent to."""


class PinnedNetwork(httpcore.SyncBackend):
    """For `httpcore.ConnectionPool(network_backend=…)`. Set `deadline` (monotonic seconds) before each request."""

    def __init__(self, why_refused: WhyRefused, *, connect_seconds: float) -> None:
        self.why_refused, self.connect_seconds, self.deadline = why_refused, connect_seconds, 0.0

    def left(self, error: type[httpcore.TimeoutException]) -> float:
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise error("The answer took too long.")
        return seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """:raises AddressRefused: one of the host's addresses is not for us (a name that mixes them is a trick)."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known.") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses:
            if reason := self.why_refused(host, address):
                raise AddressRefused(reason)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # a host may have an IPv6 address that cannot be reached from here
        return self._connect(addresses[-1], port, local_address, socket_options)

    def _connect(
        self, address: str, port: int, local_address: str | None, options: Iterable[Any] | None
    ) -> httpcore.NetworkStream:
        within = min(self.connect_seconds, self.left(httpcore.ConnectTimeout))
        return _Stream(super().connect_tcp(address, port, within, local_address, options), self)


class _Stream(httpcore.NetworkStream):
    """Reads and writes that end with the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, network: PinnedNetwork) -> None:
        self._stream, self._network = stream, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.left(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._network.left(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._network)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
