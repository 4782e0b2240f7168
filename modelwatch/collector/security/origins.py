"""Tells requests that another site has a browser send, and names that are not ours.

A browser says where a request comes from (Sec-Fetch-Site, Origin); programs say nothing of it and
have no cookie to be misused. The name in Host is checked since a page of another site can have its
own name point to this machine (DNS rebinding), and would then count as ours.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

__all__ = ["HostNames", "is_cross_site", "is_loopback"]

_MOST_CACHED: Final = 256
"""Hosts of which it is remembered whether they name the server: nearly all requests say one."""


def is_cross_site(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser sends this on behalf of a page that is not ours.

    Args:
        headers: by name in lower case.
    """
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
        self._is_ours = lru_cache(maxsize=_MOST_CACHED)(self._names_us)

    def takes(self, host: str | None) -> bool:
        """Tell whether a Host header names this server; without one no browser sends."""
        return self._takes_all or host is None or self._is_ours(host)

    def _names_us(self, host: str) -> bool:
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
