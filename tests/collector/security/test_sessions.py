from __future__ import annotations

import pytest

from modelwatch.collector.security import sessions
from modelwatch.collector.security.sessions import (
    Sessions,
    cookie_value,
    ended_cookie,
    set_cookie,
)


def test_a_session_stands_for_its_token_until_it_ends() -> None:
    """A cookie opens what its token opens for twelve hours, or until the sign-out."""
    now = [0.0]
    opened = Sessions(monotonic=lambda: now[0])
    first, second = opened.begin("a"), opened.begin("b")
    assert first != second
    assert (opened.token_id(first), opened.token_id(second)) == ("a", "b")
    opened.end(second)
    assert opened.token_id(second) is opened.token_id("") is opened.token_id("x\ud800") is None
    now[0] = 12 * 3_600.0
    assert opened.token_id(first) is None
    assert len(opened) == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many sessions the oldest ends."""
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 2)
    opened = Sessions()
    values = [opened.begin(str(number)) for number in range(3)]
    assert [opened.token_id(value) for value in values] == [None, "1", "2"]


def test_cookies_are_for_this_server_alone() -> None:
    """No script and no other site gets the cookie, and over TLS it never goes unencrypted."""
    plain, secure = set_cookie("v", secure=False), set_cookie("v", secure=True)
    for cookie in (plain, secure):
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in plain
    assert secure.startswith("__Host-")
    assert secure.endswith("Secure")
    assert "Max-Age=0" in ended_cookie(secure=True)


@pytest.mark.parametrize("header", ["", "a=b", "modelwatch", "\x00=;;;", "__Host-modelwatch=v"])
def test_other_cookies_open_nothing(header: str) -> None:
    """A Cookie header without ours, or a damaged one, has no session."""
    assert cookie_value(header, secure=False) == ""
