from __future__ import annotations

import pytest

from modelwatch.collector.security import failures
from modelwatch.collector.security.failures import FailureLimiter


def test_ten_at_once_then_one_in_six_seconds() -> None:
    """An address may fail ten times; from then on it is told how long to wait."""
    now = [0.0]
    limiter = FailureLimiter(monotonic=lambda: now[0])
    assert [limiter.fail("192.0.2.1") for _ in range(10)] == [0.0] * 10
    assert limiter.fail("192.0.2.1") == pytest.approx(6.0)
    assert limiter.fail("192.0.2.2") == 0.0
    now[0] = 6.1
    assert limiter.fail("192.0.2.1") == 0.0
    assert limiter.fail("192.0.2.1") > 0.0


def test_a_subnet_of_ipv6_is_one_client() -> None:
    """Who owns a subnet cannot fail without end from ever new addresses of it."""
    limiter = FailureLimiter(monotonic=lambda: 0.0)
    waits = [limiter.fail(f"2001:db8::{number:x}") for number in range(11)]
    assert waits[-1] > 0.0
    assert limiter.fail("2001:db8:0:1::1") == 0.0
    assert limiter.fail("fe80::1%eth0") == limiter.fail("no address") == 0.0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many addresses, the one that failed longest ago is forgotten."""
    monkeypatch.setattr(failures, "MOST_ADDRESSES", 3)
    limiter = FailureLimiter(monotonic=lambda: 0.0)
    for number in range(100):
        limiter.fail(f"192.0.2.{number}")
    assert len(limiter) == 3
