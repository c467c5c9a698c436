"""A site with domains of its own: an address pasted as one of its pages has to stand on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from channels.base import Setting

DOMAINS = Setting(
    "domains",
    "网站域名",
    "lines",
    help="每行一个，如 www.example.gov.cn；不写 http:// 和路径，端口不是 80、443 的写上。"
    "回填的网页地址须在这些域名或其下级域名下。",
    most=20,
    pattern=r"[^\s/\\:@?#%.]+(?:\.[^\s/\\:@?#%.]+)+(?::\d{1,5})?",
)
EXPECTED_DOMAINS = replace(DOMAINS, expected=True)
_USUAL_PORTS = {"http": 80, "https": 443}
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


class OnOwnDomains:
    """A channel whose accounts may name the domains of their site (`DOMAINS` among its settings)."""

    @classmethod
    def domains(cls, settings: Mapping[str, Any]) -> list[str]:
        """As the account states them; none where nobody said, and then every address will do."""
        return [str(line).strip() for line in settings.get("domains") or ()]


def stands_on(link: str, domains: list[str]) -> bool:
    """Whether a browser that opens the link asks one of the domains, or a host below it, by the usual port or the one
    that the domain names. Pure.

    A link whose host could be read in two ways (a name before an @, percent signs, backslashes) stands nowhere. Names
    in Chinese are the same as their xn-- form; `www.` may be left out.
    """
    try:
        parts = urlsplit(link)
        scheme, host, port = parts.scheme, _ascii(parts.hostname or ""), parts.port
    except ValueError:  # A broken port or IPv6 address, or a name that cannot be one.
        return False
    if "@" in parts.netloc or not host or not _HOST_CHARACTERS.issuperset(host):
        return False
    usual = _USUAL_PORTS.get(scheme)
    return any(_covers(domain, host, port or usual, usual) for domain in domains)


def _covers(domain: str, host: str, port: int | None, usual: int | None) -> bool:
    name, _, own_port = domain.partition(":")
    try:
        theirs = _ascii(name)
    except ValueError:
        return False
    under = host in (theirs, theirs.removeprefix("www.")) or host.endswith(f".{theirs}")
    return under and port == (int(own_port) if own_port.isdigit() else usual)


def _ascii(name: str) -> str:
    return name.encode("idna").decode("ascii").lower().removesuffix(".")
