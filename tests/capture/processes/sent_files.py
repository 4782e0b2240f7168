"""A transport that writes what each process sends into files, and what can be read in them."""

from __future__ import annotations

import os
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import decode_metrics
from tests.received_points import assemble, points_in
from tests.told_outcomes import label_rows, prediction_rows

__all__ = ["FileTransport", "Sent", "read_sent"]

SENDER = "who"
"""The feature that tells which process made a row."""


class FileTransport:
    """Writes each message into a file of its own, named after the process that sends it.

    Args:
        folder: where the files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Write the message; it has its name once it is whole."""
        name = f"{os.getpid()}-{uuid.uuid4().hex}"
        unfinished = self._folder / f"{name}.part"
        unfinished.write_bytes(body)
        unfinished.rename(self._folder / f"{name}.{signal}")
        return Outcome(status="accepted")

    def close(self) -> None:
        """Do nothing; no file stays open."""


@dataclass
class Sent:
    """What one process has sent, summed up.

    Attributes:
        rows: rows captured.
        calls: calls counted, by error type.
        dropped: rows not captured, by reason.
        makers: rows by the process that made them, as the rows themselves say.
        instances: the ids that the process called itself by.
        known: how often each prediction was told that has an id.
        labels: how often each label was.
    """

    rows: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    makers: Counter[str] = field(default_factory=Counter)
    instances: set[str | None] = field(default_factory=set)
    known: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)


def read_sent(folder: Path) -> dict[int, Sent]:
    """Return what each process has sent, by its process id."""
    found: dict[int, Sent] = defaultdict(Sent)
    for path in folder.glob("*.metrics"):
        sent = found[int(path.name.partition("-")[0])]
        for profile in assemble(points_in(decode_metrics(path.read_bytes()))):
            sent.rows += profile.rows
            sent.calls.update(profile.predictions)
            sent.dropped.update(profile.dropped)
            sent.instances.add(profile.instance)
            if SENDER in profile.features:
                values = profile.features[SENDER].values
                sent.makers.update(getattr(values, "counts", {}))
    for path in folder.glob("*.logs"):
        sent, bodies = found[int(path.name.partition("-")[0])], [path.read_bytes()]
        for predictions in prediction_rows(bodies):
            sent.known.update(predictions.ids)
        for labels in label_rows(bodies):
            sent.labels.update(labels.ids)
    return dict(found)
