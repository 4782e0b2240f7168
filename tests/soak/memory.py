"""What the soak measures with: resident memory, and transports that keep nothing."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import decode_metrics
from tests.received_points import assemble, points_in

__all__ = ["Receiver", "resident_megabytes"]

_STATUS = Path("/proc/self/status")


def resident_megabytes() -> float:
    """Return the memory of this process that is not paged out, after a collection of garbage."""
    gc.collect()
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{_STATUS} has no VmRSS.")


class Receiver:
    """A transport that counts what arrives and keeps none of it.

    Attributes:
        is_down: whether messages meet nobody.
        attempts: messages that came, taken or not.
        longest: bytes of the longest message.
        rows: rows that were delivered as captured.
        calls: calls that were delivered.
        dropped: rows that were delivered as dropped, by reason.
    """

    def __init__(self) -> None:
        self.is_down = False
        self.attempts = 0
        self.longest = 0
        self.rows = 0
        self.calls = 0
        self.dropped: Counter[str] = Counter()

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Count a message, or refuse to be reached."""
        self.attempts += 1
        if self.is_down:
            return Outcome(status="unreachable", message="an outage")
        self.longest = max(self.longest, len(body))
        if signal == "metrics":
            for profile in assemble(points_in(decode_metrics(body))):
                self.rows += profile.rows
                self.calls += profile.predictions.total()
                self.dropped.update(profile.dropped)
        return Outcome(status="accepted")

    def close(self) -> None:
        """Do nothing."""
