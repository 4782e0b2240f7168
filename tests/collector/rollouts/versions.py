"""A collector that two versions of a model send to, in the shadow or side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import modelwatch as mw
from modelwatch.telemetry.wire import encode_events, encode_metrics
from modelwatch.telemetry.wire.events import Event
from modelwatch.telemetry.wire.outcome_events import label_events, prediction_events
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows
from tests import plain_http
from tests.collector.conftest import NOW_NS, PROTOBUF, SECOND, Running

MODEL = "fraud"
STABLE, CANDIDATE = "3", "4"
WINDOW = 60
LAST_NS = NOW_NS - NOW_NS % (WINDOW * SECOND)
"""End of the last finished window."""


def baseline(version: str) -> mw.Baseline:
    """Return a baseline of a version whose scores are calibrated."""
    rng = np.random.default_rng(0)
    score = rng.beta(2, 5, 2_000)
    return mw.Baseline.fit(
        {
            "amount": rng.normal(40, 10, 2_000),
            "score": score,
            "predicted": (score > 0.5).tolist(),
            "label": (rng.random(2_000) < score).tolist(),
        },
        model=MODEL,
        version=version,
        prediction="predicted",
        score="score",
        label="label",
    )


@dataclass
class Versions:
    """Sends what both versions see, predict and learn.

    Args:
        collector: where to.
        baselines: by version.
    """

    collector: Running
    baselines: dict[str, mw.Baseline] = field(
        default_factory=lambda: {one: baseline(one) for one in (STABLE, CANDIDATE)}
    )

    def push(self) -> None:
        """Push both baselines."""
        for version, known in self.baselines.items():
            url = self.collector.version("/baseline", model=MODEL, version=version)
            assert plain_http.put(url, content=known.to_json()).status_code == 201

    def calls(
        self,
        version: str,
        *,
        window: int = 0,
        calls: int = 500,
        failing: float = 0.0,
        seconds: float = 0.02,
        seed: int = 0,
        shift: float = 0.0,
    ) -> None:
        """Send one window of calls, counted back from the last finished one."""
        rng = np.random.default_rng([seed, window])
        end_ns = LAST_NS - window * WINDOW * SECOND
        profile = mw.Profile.empty(
            MODEL, version, baseline=self.baselines[version], instance=f"i{seed}"
        )
        score = rng.beta(2, 5, calls)
        profile.update(
            {
                "amount": rng.normal(40 + shift, 10, calls),
                "score": score,
                "predicted": (score > 0.5).tolist(),
            }
        )
        failed = int(rng.binomial(calls, failing))
        profile.predictions.update({"": calls - failed, "ValueError": failed})
        profile.duration.update(rng.lognormal(np.log(seconds), 0.4, calls))
        profile.duration_sum_seconds = float(seconds * 1.083 * calls)
        profile.start_ns, profile.end_ns = end_ns - WINDOW * SECOND, end_ns
        body = encode_metrics(profile, resource={"service.instance.id": f"i{version}"})
        assert self.collector.post(body).is_success

    def predictions(
        self, version: str, ids: list[str], scores: np.ndarray, *, window: int = 0
    ) -> None:
        """Send predictions under some ids."""
        at_ns = LAST_NS - window * WINDOW * SECOND - 30 * SECOND
        rows = PredictionRows(
            model=MODEL,
            version=version,
            ids=ids,
            times_ns=[at_ns] * len(ids),
            outputs={"predicted": (scores > 0.5).tolist(), "score": scores.tolist()},
        )
        self._events(prediction_events(rows))

    def labels(self, ids: list[str], labels: list[bool]) -> None:
        """Send what turned out to be true."""
        rows = LabelRows(model=MODEL, ids=ids, labels=labels, times_ns=[LAST_NS] * len(ids))
        self._events(label_events(rows))

    def _events(self, events: list[Event]) -> None:
        body = encode_events(events, resource={})
        url = f"{self.collector.otlp}/v1/logs"
        answer = plain_http.post(url, content=body, headers=PROTOBUF)
        assert (answer.status_code, answer.content) == (200, b"")
