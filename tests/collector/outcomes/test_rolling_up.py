"""Spans that grow old are put together, and tell the same; what comes late is put in with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwatch.collector.outcomes.cells import Spans, shortest_span
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.grains import Grains
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from tests.collector.outcomes.outcome_traffic import (
    DAY,
    HOUR,
    MODEL,
    NOW_NS,
    SECOND,
    Clock,
    fraud_baseline,
    labels,
    predictions,
)

TODAY = TimeWindow(NOW_NS // DAY * DAY, (NOW_NS // DAY + 1) * DAY)


@pytest.mark.parametrize("window_seconds", [60, 900, 3_600])
async def test_old_spans_become_long_ones(tmp_path: Path, window_seconds: int) -> None:
    """A day tells the same in minutes, in hours and as one span, with what comes late too."""
    clock = Clock()
    store = SqliteStore(Database(tmp_path / "s"), window_seconds=window_seconds, clock=clock)
    baseline = fraud_baseline()
    await store.put_baseline(MODEL, "1", baseline.id, baseline.to_json())
    await store.tidy()
    random = np.random.default_rng(2)
    ids = [f"{n}" for n in range(400)]
    times = (TODAY.start_ns + random.integers(1, DAY - 1, len(ids))).tolist()
    scores = random.random(len(ids)).tolist()
    segments = random.choice(["", "DE", "FR"], len(ids)).tolist()
    rows = predictions(ids, scores, times_ns=times, segments=segments)
    clock.now_ns = TODAY.end_ns
    await store.keep_predictions([rows])
    spans = []
    for part, days in enumerate((0, 3, 40, 60)):
        clock.now_ns = TODAY.end_ns + days * DAY + HOUR
        some = ids[part::4]
        await store.keep_labels([labels(some, ["yes"] * len(some), clock.now_ns)])
        before = told(store)
        await store.tidy()
        await store.tidy()
        assert told(store) == before
        assert store.outcomes(MODEL, "1", TODAY).summaries[""].rows == sum(
            len(ids[n::4]) for n in range(part + 1)
        )
        spans.append(store.database.read(
            "SELECT count(DISTINCT end_ns), max(end_ns - start_ns), (SELECT count(*)"
            " FROM outcome_windows) FROM outcome_summaries")[0])  # fmt: skip
    assert [longest // SECOND for _, longest, _ in spans] == [
        window_seconds, 3_600, 86_400, 86_400,
    ]  # fmt: skip
    assert spans[2][0] == 1
    wrong = labels(ids, ["no"] * len(ids), clock.now_ns + SECOND)
    assert (await store.keep_labels([wrong])).corrected == len(ids)
    await store.tidy()
    summary = store.outcomes(MODEL, "1", TODAY).summaries[""]
    assert (summary.rows, summary.delays.total) == (len(ids), len(ids))
    store.close()


def told(store: SqliteStore) -> dict[str, object]:
    """Return all counts of the day."""
    found = store.outcomes(MODEL, "1", TODAY)
    counts = {
        name: (one.rows, one.labelled.to_dict()["confusion"], one.delays.counts.tolist())
        for name, one in found.summaries.items()
    }
    return {"": (found.predictions, found.labelled), "counts": counts}


def test_spans_divide_windows() -> None:
    """No span straddles the bounds of two windows that are evaluated by themselves."""
    for seconds in (1, 7, 60, 90, 900, 3_600, 5_400, 7_200, 86_400, 7 * 86_400):
        grain = shortest_span(seconds)
        assert seconds % grain == 0
        steps = Grains.for_windows(seconds).steps(Retention())
        spans = Spans(grain_seconds=grain, steps=steps, clock=lambda: NOW_NS)
        recent = (NOW_NS // spans.grain_ns - 100) * spans.grain_ns
        assert spans.span_of(recent) == TimeWindow(recent - spans.grain_ns, recent)
        assert spans.ends(np.array([recent, recent + 1])).tolist() == [
            recent, recent + spans.grain_ns,
        ]  # fmt: skip
