from __future__ import annotations

import logging

import pytest

from modelwatch.capture.guard import Guard
from modelwatch.errors import OutlierRejected


def fail(message: str) -> None:
    """Raise a fault."""
    raise RuntimeError(message)


def test_a_fault_is_swallowed_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours ends in a count and a log record, with its traceback."""
    guard = Guard()
    with guard:
        fail("ours")
    assert guard.count == 1
    assert caplog.records[0].exc_info is not None


def test_a_kind_is_logged_once_per_interval(caplog: pytest.LogCaptureFixture) -> None:
    """A fault that comes with each prediction does not flood the log."""
    now = [0.0]
    guard = Guard(log_interval_seconds=60.0, clock=lambda: now[0])
    for _ in range(100):
        with guard:
            fail("ours")
    assert (guard.count, len(caplog.records)) == (100, 1)
    now[0] = 60.0
    with guard:
        fail("ours")
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "passing", [KeyboardInterrupt(), SystemExit(), OutlierRejected({"a": "x"})]
)
def test_what_is_meant_for_the_caller_passes(passing: BaseException) -> None:
    """Interrupts, exits and refusals are not swallowed."""
    guard = Guard()
    with pytest.raises(type(passing)), guard:
        raise passing
    assert guard.count == 0


def test_a_broken_log_handler_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where logging itself fails, the prediction still goes through."""

    def broken(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(logging.getLogger("modelwatch"), "error", broken)
    guard = Guard()
    with guard:
        fail("ours")
    assert guard.count == 1


def test_kinds_are_bounded() -> None:
    """Faults of ever new types take no more memory."""
    guard = Guard()
    for number in range(500):
        with guard:
            raise type(f"Fault{number}", (Exception,), {})
    assert guard.count == 500
    assert len(guard.counts()) <= 101
