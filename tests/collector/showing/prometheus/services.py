"""Services whose models are watched, each as the exports that it sends."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import modelwatch as mw
from modelwatch.telemetry.wire import encode_logs, encode_metrics
from modelwatch.telemetry.wire.events import encode_events
from modelwatch.telemetry.wire.outcome_events import prediction_events
from modelwatch.telemetry.wire.outcomes import PredictionRows
from tests import plain_http
from tests.labelled_tables import binary_table, without

__all__ = ["Service"]

PROTOBUF = {"Content-Type": "application/x-protobuf"}
ROWS = 300
FAILED = 6
LOST = 2


@dataclass
class Service:
    """Sends what it captured since it sent last.

    Attributes:
        model: its model.
        version: the model's version.
        shift: of the input ``x``, in standard deviations.
        baseline: what the model was trained on; None where nobody pushed it.
        rows: rows sent.
        calls: calls sent, by error type.
        lost: rows told to be lost.
        end_ns: until when it sent.
    """

    model: str
    version: str
    shift: float = 0.0
    baseline: mw.Baseline | None = None
    rows: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    end_ns: int = field(default_factory=time.time_ns)

    @classmethod
    def with_baseline(cls, model: str, version: str, *, shift: float = 0.0) -> Service:
        """Return a service whose model has a baseline with labels."""
        table = {**binary_table(0), "x": with_gaps(binary_table(0)["x"].tolist())}
        baseline = mw.Baseline.fit(
            table,
            model=model, version=version, prediction="predicted", score="score", label="label",
        )  # fmt: skip
        return cls(model, version, shift=shift, baseline=baseline)

    def push(self, api: str) -> None:
        """Push the baseline to a collector."""
        assert self.baseline is not None
        address = f"{api}/api/v1/models/{self.model}/versions/{self.version}/baseline"
        plain_http.put(address, content=self.baseline.to_json()).raise_for_status()

    def send(self, otlp: str, *, end_ns: int | None = None) -> None:
        """Send what was captured until now, or until a time."""
        now_ns = time.time_ns() if end_ns is None else end_ns
        profile = self._captured(min(self.end_ns, now_ns - 1_000_000_000), now_ns)
        self.end_ns = now_ns
        self.rows += profile.rows
        self.calls += profile.predictions
        self.lost += LOST
        resource = {"service.instance.id": f"{self.model}-a"}
        bodies = {
            "metrics": encode_metrics(profile, resource=resource),
            "logs": encode_logs(profile, resource=resource),
        }
        for signal, body in bodies.items():
            answer = plain_http.post(f"{otlp}/v1/{signal}", content=body, headers=PROTOBUF)
            answer.raise_for_status()

    def label(self, otlp: str, api: str) -> None:
        """Send predictions with ids, made now, and what turned out to be true of them."""
        now_ns = time.time_ns()
        table = binary_table(now_ns % 9_973, ROWS, shift=self.shift)
        ids = [f"{self.model}-{now_ns}-{row}" for row in range(ROWS)]
        rows = PredictionRows(
            model=self.model,
            version=self.version,
            ids=ids,
            times_ns=[now_ns] * ROWS,
            outputs={"predicted": table["predicted"], "score": table["score"].tolist()},
        )
        body = encode_events(prediction_events(rows), resource={})
        plain_http.post(f"{otlp}/v1/logs", content=body, headers=PROTOBUF).raise_for_status()
        labels = [
            {"model": self.model, "prediction_id": one, "label": label}
            for one, label in zip(ids, table["label"], strict=True)
        ]
        plain_http.post(f"{api}/api/v1/labels", json=labels).raise_for_status()

    def _captured(self, start_ns: int, end_ns: int) -> mw.Profile:
        profile = mw.Profile.empty(
            self.model,
            self.version,
            baseline=self.baseline,
            outputs=frozenset({"predicted", "score"}),
            instance=f"{self.model}-a",
        )
        table = without(binary_table(end_ns % 9_973, ROWS, shift=self.shift), "label")
        profile.update({**table, "x": with_gaps(table["x"].tolist())})
        profile.record_calls([0.004] * (ROWS - FAILED) + [0.3] * FAILED, {"ValueError": FAILED})
        profile.dropped = Counter({"queue_full": LOST})
        profile.start_ns, profile.end_ns = start_ns, end_ns
        return profile


def with_gaps(values: list[float]) -> list[float | None]:
    """Return values of which one in twenty is missing."""
    return [None if number % 20 == 0 else value for number, value in enumerate(values)]
