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
from modelwatch.telemetry.wire import prediction_events

FLOATS, INTEGERS, TEXTS = 22, 2, 6
ROWS = 5_000
CALLS = 2_048  # as many as are summed up at once
ROUNDS = 60


BEHIND = ("folding a row", "reading and writing a known row")
"""What is done in other threads."""


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


def predict_and_tell(features: dict[str, Any]) -> float:
    """Return a score, and find out by which id its label will come."""
    prediction = mw.current_prediction()
    assert prediction is not None
    assert prediction.id
    return 0.5


def started_watch(baseline: mw.Baseline) -> mw.Watch:
    """Return a watch none of whose threads competes with the caller."""
    watch = mw.Watch("bench", version="1", baseline=baseline, transport=Discarding())
    watch.recorder._start = lambda: None
    watch.recorder.ensure_started()
    return watch


def measure() -> dict[str, float]:
    """Return the median of each case in microseconds; the floor comes first."""
    data = training_data()
    baseline = mw.Baseline.fit(data, model="bench", version="1", score="score")
    watch, known = started_watch(baseline), started_watch(baseline)
    row = {name: np.asarray(data[name])[0].item() for name in baseline.inputs}
    outlying = row | {"float_0": 1e9}
    watched, beside = watch(predict), known(predict)

    def in_scope(features: dict[str, Any]) -> float:
        with prediction_scope():
            return beside(features)

    def log_by_id(features: dict[str, Any]) -> None:
        known.log(features, 0.5, prediction_id="order-7")

    cases: dict[str, tuple[Callable[[dict[str, Any]], Any], dict[str, Any]]] = {
        "no-op wrapt.FunctionWrapper": (wrapt.FunctionWrapper(predict, nothing), row),
        "plain call": (predict, row),
        "watched": (watched, row),
        "watched, left out of the sample": (watch(sample_rate=0.0)(predict), row),
        "watched, a dict returned": (watch(predict_named), row),
        "watched, called by keyword": (lambda features: watched(features=features), row),
        "watched, with an outlier": (watched, outlying),
        "watched, in an adapter's scope": (in_scope, row),
        "watched, its id asked for": (known(predict_and_tell), row),
        "watched, its id in the row": (
            known(prediction_id="order")(predict),
            row | {"order": "order-7"},
        ),
        "logged by an id": (log_by_id, row),
        "watched, beside those": (beside, row),
        "plain coroutine": (run_to_end(predict_later), row),
        "watched coroutine": (run_to_end(watch(predict_later)), row),
    }
    taken: dict[str, list[float]] = {name: [] for name in [*cases, *BEHIND]}
    for _ in range(ROUNDS):
        for name, (call, features) in cases.items():
            taken[name].append(microseconds(call, features))
            waiting = len(watch.recorder.buffer)
            started = perf_counter()
            watch.recorder.folder.fold()
            watch.recorder.tally.count_unsampled()
            if name == "watched":
                taken["folding a row"].append((perf_counter() - started) / waiting * 1e6)
            known.recorder.folder.fold()
            started = perf_counter()
            told, _ = known.recorder.known.take()
            if name == "watched, its id asked for":
                (rows,) = told
                assert prediction_events(rows)
                taken["reading and writing a known row"].append(
                    (perf_counter() - started) / len(rows.ids) * 1e6
                )
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
