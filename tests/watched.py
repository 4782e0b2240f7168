"""A watch whose captured rows can be looked at, and a transport that keeps what is sent."""

from __future__ import annotations

from collections.abc import Callable

import modelwatch as mw
from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import decode_metrics
from tests.received_points import assemble, points_in


class FakeTransport:
    """Keeps what is sent; answers what it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[Signal, bytes]] = []
        self.outcome = Outcome(status="accepted")

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Keep the message."""
        self.sent.append((signal, body))
        return self.outcome

    def close(self) -> None:
        """Do nothing."""

    def profiles(self) -> list[mw.Profile]:
        """Return what was sent, decoded."""
        bodies = [body for signal, body in self.sent if signal == "metrics"]
        return assemble(point for body in bodies for point in points_in(decode_metrics(body)))


class Watched:
    """A watch whose captured rows can be looked at."""

    def __init__(self, watch: mw.Watch, transport: FakeTransport) -> None:
        self.watch = watch
        self.transport = transport

    def profiles(self) -> list[mw.Profile]:
        """Return all that was captured since the last time."""
        return self.watch.recorder.folder.cut(self.watch.recorder.last_plan)

    def profile(self) -> mw.Profile:
        """Return all that was captured since the last time, as one profile."""
        profiles = self.profiles()
        merged = profiles[0]
        for profile in profiles[1:]:
            merged = merged.merge(profile)
        return merged


MakeWatch = Callable[..., Watched]
