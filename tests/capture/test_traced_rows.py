from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.traced_rows import TracedRow, TracedRows
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import decode_logs
from tests.watched import MakeWatch


@pytest.fixture
def plan() -> CapturePlan:
    """How rows of one number are read."""
    column = {"x": [float(n) for n in range(500)]}
    return CapturePlan(mw.Baseline.fit(column, model="m", version="1"))


def traced(plan: CapturePlan, number: int, **other: Any) -> TracedRow:
    """Return a row whose trace id is a number."""
    row = TracedRow((number, 1, 1), number, plan, (float(number),), False, 0.5, {}, "")
    return row._replace(**other)


def test_the_sample_is_bounded_and_even(plan: CapturePlan) -> None:
    """Of many rows 256 are kept, early ones as often as late ones."""
    kept = Counter[int]()
    for _ in range(40):
        rows = TracedRows()
        for number in range(2_560):
            if rows.takes_next(plan):
                rows.add(traced(plan, number))
        telling, sampled = rows.take()
        assert (len(telling), len(sampled)) == (0, 256)
        kept.update(row.time_ns // 256 for row in sampled)
    # Each tenth of the rows has 1,024 of the 10,240 on average, with a standard deviation of 30.
    assert all(abs(kept[tenth] - 1_024) < 180 for tenth in range(10))


def test_rows_that_tell_are_bounded_for_each_name(plan: CapturePlan) -> None:
    """Two of each feature and type of error are kept, and so many names; taken once."""
    rows = TracedRows()
    for number in range(3_000):
        rows.add(traced(plan, number, outliers={f"f{number // 2}": "range"}, values=None))
        rows.add(traced(plan, number, error_type=f"E{number // 10}", values=None))
    telling, sampled = rows.take()
    assert sampled == []
    assert len([row for row in telling if row.outliers]) == 2_000
    assert len([row for row in telling if row.error_type]) == 40
    assert rows.take() == ([], [])


def test_without_a_baseline_no_sample_is_kept() -> None:
    """There is nothing that values could have moved from."""
    assert not TracedRows().takes_next(CapturePlan(None, ["x"]))


def test_untraced_calls_keep_and_send_no_examples(make_watch: MakeWatch) -> None:
    """Where nobody traces, usual calls and outliers leave no row here, and no event."""
    watched = make_watch()

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    for _ in range(20):
        predict({"nothing": "known"})
    assert watched.watch.recorder.traced.take() == ([], [])
    watched.watch.flush(timeout_seconds=5)
    bodies = [body for signal, body in watched.transport.sent if signal == "logs"]
    assert all(not decode_logs(body).examples for body in bodies)
    assert all(names.EXAMPLE.encode() not in body for body in bodies)
