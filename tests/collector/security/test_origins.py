from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from modelwatch.collector.security.origins import HostNames, is_cross_site


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://c:1", "host": "c:1"}, True),
        ({"origin": "http://c:4319", "host": "C:4319"}, False),
        ({"origin": "http://c:4318", "host": "c:4319"}, True),
        ({"origin": "null", "host": "c:4319"}, True),
    ],
)
def test_what_other_sites_have_sent_is_told(headers: dict[str, str], expected: bool) -> None:
    """A browser's own words tell a request of another site; programs say none of them."""
    assert is_cross_site(Headers(headers)) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST:4319", True),
        ("127.0.0.1:4319", True),
        ("127.9.9.9", True),
        ("[::1]:4319", True),
        ("[::1]", True),
        ("watch.example.org:443", True),
        ("watch.example.org.", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.0.2.1", False),
        ("", False),
        (None, True),
    ],
)
def test_names_on_loopback(host: str | None, expected: bool) -> None:
    """On loopback only its own names and those allowed are taken."""
    assert HostNames("127.0.0.1", ["watch.example.org"]).takes(host) is expected


def test_names_elsewhere_are_checked_where_some_are_given() -> None:
    """On another interface all names are taken, unless some are named."""
    assert HostNames("0.0.0.0", []).takes("whatever.example")
    assert not HostNames("0.0.0.0", ["a.example"]).takes("whatever.example")
