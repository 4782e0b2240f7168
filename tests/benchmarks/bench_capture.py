"""What watching one call costs, as multiples of a wrapt wrapper that does nothing.

Run as ``python tests/benchmarks/bench_capture.py``. One row of 22 floats, 2 integers and 6 texts
is captured at 100% with inline checks against a fitted baseline. All cases are measured in turn,
many times over, in one run; the medians are given. The caller's cost leaves the folding out (the
buffer is emptied between the measurements); the whole cost has it in.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import wrapt

import modelwatch as mw
from modelwatch.capture.prediction import prediction_scope
from modelwatch.telemetry.transport import Outcome, Signal

FLOATS, INTEGERS, TEXTS = 22, 2, 6
ROWS = 5_000
CALLS = 2_048  # as many as are summed up at once
ROUNDS = 60


class Discarding:
    """A transport that accepts everything."""

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Accept."""
        del signal, body, timeout_seconds
        return Outcome(status="accepted")

    def close(self) -> None:
        """Do nothing."""


def training_data() -> dict[str, Any]:
    """Return seeded columns of the three types, and a score."""
    random = np.random.default_rng(7)
    columns: dict[str, Any] = {f"float_{i}": random.normal(size=ROWS) for i in range(FLOATS)}
    columns |= {f"integer_{i}": random.poisson(20, size=ROWS) for i in range(INTEGERS)}
    for i in range(TEXTS):
        columns[f"text_{i}"] = random.choice(["red", "green", "blue", "grey"], size=ROWS).tolist()
    return columns | {"score": random.random(ROWS)}


def predict(features: dict[str, Any]) -> float:
    """Return a score; the cheapest of all models."""
    return 0.5


def predict_named(features: dict[str, Any]) -> dict[str, Any]:
    """Return a score by its name."""
    return {"score": 0.5}


async def predict_later(features: dict[str, Any]) -> float:
    """Return a score."""
    return 0.5


def nothing(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Call the wrapped function."""
    return wrapped(*args, **kwargs)


def microseconds(call: Callable[[dict[str, Any]], Any], row: dict[str, Any]) -> float:
    """Return what one call takes."""
    started = perf_counter()
    for _ in range(CALLS):
        call(row)
    return (perf_counter() - started) / CALLS * 1e6


def run_to_end(call: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what runs a coroutine function that never waits."""

    def run(row: dict[str, Any]) -> Any:
        try:
            call(row).send(None)
        except StopIteration as done:
            return done.value

    return run


def measure() -> dict[str, float]:
    """Return the median of each case in microseconds; the floor comes first."""
    data = training_data()
    baseline = mw.Baseline.fit(data, model="bench", version="1", score="score")
    watch = mw.Watch("bench", version="1", baseline=baseline, transport=Discarding())
    row = {name: np.asarray(data[name])[0].item() for name in baseline.inputs}
    outlying = row | {"float_0": 1e9}
    watched = watch(predict)
    folder, buffer = watch.recorder.folder, watch.recorder.buffer
    watch.recorder._start = lambda: None  # no thread of ours competes with the caller
    watch.recorder.ensure_started()

    def in_scope(features: dict[str, Any]) -> float:
        with prediction_scope():
            return watched(features)

    cases: dict[str, tuple[Callable[[dict[str, Any]], Any], dict[str, Any]]] = {
        "no-op wrapt.FunctionWrapper": (wrapt.FunctionWrapper(predict, nothing), row),
        "plain call": (predict, row),
        "watched": (watched, row),
        "watched, left out of the sample": (watch(sample_rate=0.0)(predict), row),
        "watched, a dict returned": (watch(predict_named), row),
        "watched, called by keyword": (lambda features: watched(features=features), row),
        "watched, with an outlier": (watched, outlying),
        "watched, in an adapter's scope": (in_scope, row),
        "plain coroutine": (run_to_end(predict_later), row),
        "watched coroutine": (run_to_end(watch(predict_later)), row),
    }
    taken: dict[str, list[float]] = {name: [] for name in [*cases, "folding a row"]}
    for _ in range(ROUNDS):
        for name, (call, features) in cases.items():
            taken[name].append(microseconds(call, features))
            waiting = len(buffer)
            started = perf_counter()
            folder.fold()
            watch.recorder.tally.count_unsampled()
            if name == "watched":
                taken["folding a row"].append((perf_counter() - started) / waiting * 1e6)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    medians["watched, folding included"] = medians["watched"] + medians["folding a row"]
    return medians


def figures() -> list[tuple[str, str, str]]:
    """Return what each case costs, against the floor of the same run."""
    medians = measure()
    floor = next(iter(medians.values()))
    targets = {
        "watched": "at most 3 x",
        "watched, left out of the sample": "at most 1.5 x",
        "watched, folding included": "at most 8 x",
    }
    return [
        (name, targets.get(name, ""), f"{value:.2f} us a row, {value / floor:.2f} x")
        for name, value in medians.items()
    ]


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:34} {target:12} {measured}")


if __name__ == "__main__":
    main()
