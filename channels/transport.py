"""One HTTP client for everything that leaves the house, with one guard against private addresses.

The guard stands where the connection is opened: the name is resolved once, every address it gives is
checked, and the connection goes to a checked address, so that a name cannot change between check and use.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import typing
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from urllib.parse import unquote

import httpcore
import httpx

from kernel.errors import XuandaError

Resolve = Callable[[str, int], list[str]]
# Opens a connection past the guard, for what does not speak HTTP; raises OSError or PrivateAddress.
Dial = Callable[[str, int], socket.socket]
CONNECT_SECONDS = 10.0


class PrivateAddress(XuandaError):
    """{host} leads to an address inside a private network and is not called.
    List it in XUANDA_ALLOWED_PRIVATE if it is meant."""

    zh = "{host} 指向内网地址，已拒绝访问。确需访问请由系统管理员加入 XUANDA_ALLOWED_PRIVATE。"
    status = 422


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses the machine's resolver gives for a host."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Guard:
    """Decides which addresses may be called; `allowed` holds `host` or `host:port` exceptions."""

    def __init__(self, allowed: Iterable[str] = (), resolve: Resolve = system_resolve) -> None:
        self.allowed = frozenset(entry.strip().lower() for entry in allowed if entry.strip())
        self.resolve = resolve

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses that may be connected to; raises PrivateAddress when any is private and not listed."""
        addresses = self.resolve(host, port)
        if {host.lower(), f"{host.lower()}:{port}"} & self.allowed:
            return addresses
        for address in addresses:
            if not _public(address):
                raise PrivateAddress(host=host)
        return addresses


def dialer(guard: Guard, timeout: float = CONNECT_SECONDS) -> Dial:
    """Plain connections, each to a checked address only."""

    def dial(host: str, port: int) -> socket.socket:
        last: OSError = OSError(f"{host} has no address")
        for address in guard.addresses(host, port):
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as failure:
                last = failure
        raise last

    return dial


@cache
def tls() -> ssl.SSLContext:
    """Whom this process trusts; read once, since reading the list of authorities takes longer than a call."""
    return httpx.create_ssl_context()


def client(guard: Guard, timeout: float = 20.0, proxy: str = "") -> httpx.Client:
    """A client whose every connection passes the guard; `timeout` in seconds. It follows no redirect by itself.

    With a `proxy` (`http://name:password@host:port`) all of it goes there: the proxy's own address passes the guard as
    any other does, and so does the address behind it, as far as this machine can resolve it.
    """
    transport = ProxiedTransport(guard) if proxy else httpx.HTTPTransport(verify=tls(), retries=0)
    ways: dict[str, typing.Any] = {
        "ssl_context": tls(),
        "max_connections": 100,
        "max_keepalive_connections": 20,
        "keepalive_expiry": 20,
        "http1": True,
        "network_backend": GuardedBackend(guard),
    }
    # httpx offers no public door for a network backend.
    transport._pool = _through(proxy, ways) if proxy else httpcore.ConnectionPool(**ways)
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
        trust_env=False,
        follow_redirects=False,
    )


def _through(proxy: str, ways: dict[str, typing.Any]) -> httpcore.HTTPProxy:
    address = httpx.URL(proxy)
    login = (unquote(address.username).encode(), unquote(address.password).encode()) if address.username else None
    plain = address.copy_with(username=None, password=None)
    return httpcore.HTTPProxy(proxy_url=str(plain), proxy_auth=login, **ways)


class ProxiedTransport(httpx.HTTPTransport):
    """Sends through a proxy what the guard lets pass; a name that only the proxy can resolve is its to judge."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(verify=tls(), retries=0)
        self.guard = guard

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Checks where it is meant to go, then hands it to the proxy."""
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        with suppress(OSError):
            self.guard.addresses(request.url.host, port)
        return super().handle_request(request)


class GuardedBackend(httpcore.SyncBackend):
    """Opens connections to checked addresses only."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self.guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[typing.Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to the first checked address that answers."""
        try:
            addresses = self.guard.addresses(host, port)
        except OSError as failure:
            raise httpcore.ConnectError(f"{host}: {failure}") from failure
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                last = failure
        raise last


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _carried(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is not None and not _public(str(inner)):
        return False
    mapped = isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None
    return mapped or (ip.is_global and not ip.is_multicast and ip not in _LOCAL_TRANSLATION)


def _carried(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one, which a gateway would call: mapped, 6to4, Teredo or NAT64."""
    if ip in _TRANSLATION:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


# RFC 6052 and RFC 8215.
_TRANSLATION = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_TRANSLATION = ipaddress.IPv6Network("64:ff9b:1::/48")


def allowed_of(text: str) -> list[str]:
    """The exceptions out of a comma-separated setting."""
    return [entry for entry in text.split(",") if entry.strip()]
