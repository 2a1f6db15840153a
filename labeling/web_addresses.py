"""What the address of an image may look like. Pure; where it leads is looked at when it is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import idna

MAX_KEY = 200
NAT64 = IPv6Network("64:ff9b::/96")
IPv4_COMPATIBLE = IPv6Network("::/96")


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


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts and networks of a plant that images may be fetched from though they are private."""

    hosts: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]
    entries: tuple[str, ...]

    @classmethod
    def of(cls, entries: Sequence[str]) -> AllowList:
        """Each a host name, an address, or a network like 10.20.0.0/16. :raises ValueError: one is none of them."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", entry) or entry[-1].isdigit():
                    raise ValueError(f"{entry!r} is no host name, address or network") from None
                hosts.add(entry.lower())
        return cls(frozenset(hosts), tuple(networks), tuple(entries))

    def why_refused(self, host: str, address: str) -> str | None:
        """Why nothing is fetched from ``address``, to which ``host`` leads; None when it may be.

        A name on the list allows private and loopback addresses only: who can change a plant's names must not reach
        the cloud's metadata (link-local) with it. A listed network allows all that lies in it.
        """
        for ip in _meant(ip_address(address.partition("%")[0])):
            if any(ip in network for network in self.networks if network.version == ip.version):
                continue
            kind = _kind(ip)
            if kind is None or (kind in {"private", "loopback"} and host.lower().rstrip(".") in self.hosts):
                continue
            named = host if kind in {"private", "loopback"} else str(ip)
            line = ",".join([*self.entries, named])
            return f"{host} leads to {ip} ({kind}). If it may be asked for images, set REVIEWAPP_IMAGE_HOSTS={line}"
        return None


def _meant(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and the IPv4 one that an IPv6 address may wrap: ::ffff:169.254.169.254 leads to the same place."""
    if isinstance(ip, IPv4Address):
        yield ip
        return
    wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if wrapped is None and (ip in NAT64 or (ip in IPv4_COMPATIBLE and int(ip) > 1)):
        wrapped = IPv4Address(int(ip) & 0xFFFFFFFF)
    if wrapped is None or ip.ipv4_mapped is None:
        yield ip
    if wrapped is not None:
        yield wrapped


def _kind(ip: IPv4Address | IPv6Address) -> str | None:
    """In which way an address is not of the internet; None when it is."""
    if ip.is_loopback:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast:
        return "multicast"
    if ip.is_unspecified:
        return "unspecified"
    if ip.is_private:
        return "private"
    return None if ip.is_global else "not global"
