"""Keeps secrets out of what is printed."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

__all__ = ["MASK", "without_password"]

MASK = "********"


def without_password(value: str) -> str:
    """Return the value; where it is an address with a password, with that masked.

    >>> without_password("https://user:pass@collector:4318/x")
    'https://user:********@collector:4318/x'
    """
    try:
        parts = urlsplit(value)
        password = parts.password
    except ValueError:
        return value
    if not password:
        return value
    user, host = parts.netloc.rsplit("@", 1)
    netloc = f"{user.partition(':')[0]}:{MASK}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))
