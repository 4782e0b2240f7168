"""Tells requests that another site has a browser send, and names that are not ours.

A browser says where a request comes from (Sec-Fetch-Site, Origin); programs say nothing of it and
have no cookie to be misused. The name in Host is checked since a page of another site can have its
own name point to this machine (DNS rebinding), and would then count as ours.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers

__all__ = ["HostNames", "is_cross_site", "is_loopback"]


def is_cross_site(headers: Headers) -> bool:
    """Tell whether a browser sends this on behalf of a page that is not ours."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


class HostNames:
    """The names by which a server lets itself be called.

    Args:
        host: the address that it listens on. On the loopback interface, its names are known; on
            another, names are only checked where some are given.
        allowed: further names, without ports.
    """

    def __init__(self, host: str, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(name.lower().rstrip(".") for name in allowed)
        self._takes_all = not self._allowed and not is_loopback(host)

    def takes(self, host: str | None) -> bool:
        """Tell whether a Host header names this server; without one no browser sends."""
        if self._takes_all or host is None:
            return True
        name = _without_port(host).lower().rstrip(".")
        return name in self._allowed or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is of the loopback interface.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("example.org")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
