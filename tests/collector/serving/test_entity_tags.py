from __future__ import annotations

import pytest

from tests import plain_http
from tests.collector.conftest import Start, Traffic


def test_lists_are_not_sent_again_unchanged(start: Start, traffic: Traffic) -> None:
    """Who has an answer is told so with 304, until it is another."""
    collector = start()
    address = f"{collector.api}/api/v1/models"
    first = plain_http.get(address)
    known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    again = plain_http.get(address, headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (
        304, b"", first.headers["etag"],
    )  # fmt: skip
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization, Cookie"
    collector.post(traffic.body())
    changed = plain_http.get(address, headers=known)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("path", ["/api/v1/audit", "/api/v1/no", "/healthz"])
def test_others_have_no_tag(start: Start, path: str) -> None:
    """Errors, probes and what is not to be stored carry no tag."""
    assert "etag" not in plain_http.get(start().api + path).headers
