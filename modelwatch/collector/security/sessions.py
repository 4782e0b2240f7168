"""Sessions of browsers: a random cookie that stands for a token, for some hours.

They lie in memory: a restart of the collector signs everybody out.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final

__all__ = ["Sessions", "cookie_name", "cookie_value", "ended_cookie", "set_cookie"]

SESSION_SECONDS: Final = 12 * 3_600
MOST_SESSIONS: Final = 10_000
"""Sessions at a time, some 300 bytes each; the oldest goes."""


class Sessions:
    """Who is signed in. One event loop uses it; only digests of the cookies are kept.

    Args:
        monotonic: seconds.
        random_text: returns a text that nobody can foretell.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        random_text: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._monotonic = monotonic
        self._random_text = random_text
        self._open: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, token_id: str) -> str:
        """Sign in by a token; return the value of the cookie."""
        value = self._random_text()
        self._open[_digest(value)] = (token_id, self._monotonic() + SESSION_SECONDS)
        if len(self._open) > MOST_SESSIONS:
            self._open.popitem(last=False)
        return value

    def token_id(self, value: str) -> str | None:
        """Return the token that a cookie stands for; None where it stands for none any more."""
        found = self._open.get(_digest(value))
        if found is None:
            return None
        token_id, ends = found
        if self._monotonic() >= ends:
            self.end(value)
            return None
        return token_id

    def end(self, value: str) -> None:
        """Sign out."""
        self._open.pop(_digest(value), None)


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; over TLS one that browsers take from this very host alone."""
    return "__Host-modelwatch" if secure else "modelwatch"


def cookie_value(header: str, *, secure: bool) -> str:
    """Return the session's cookie of a Cookie header; empty where there is none.

    >>> cookie_value("theme=dark; modelwatch=abc", secure=False)
    'abc'
    """
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header)
    except CookieError:
        return ""
    found = cookies.get(cookie_name(secure=secure))
    return found.value if found else ""


def set_cookie(value: str, *, secure: bool) -> str:
    """Return the Set-Cookie header of a session that begins."""
    return _cookie(value, SESSION_SECONDS, secure=secure)


def ended_cookie(*, secure: bool) -> str:
    """Return the Set-Cookie header of a session that ended."""
    return _cookie("", 0, secure=secure)


def _cookie(value: str, seconds: int, *, secure: bool) -> str:
    parts = [f"{cookie_name(secure=secure)}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly"]
    parts += ["SameSite=Strict", *(["Secure"] if secure else [])]
    return "; ".join(parts)


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()
