"""Errors are watched in label order, across restarts, and corrected ones change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.concept.error_stream import ErrorStream
from tests.collector.outcomes.outcome_traffic import (
    MODEL,
    NOW_NS,
    SECOND,
    Clock,
    fraud_baseline,
    labels,
    predictions,
)

SIZE = 3_000


def stream_of_labels() -> tuple[list[str], list[float], list[str]]:
    """Return ids, scores and labels whose error rate rises from .1 to .5 after 2,000."""
    random = np.random.default_rng(3)
    scores = random.choice([0.2, 0.8], SIZE).tolist()
    wrong = random.random(SIZE) < np.where(np.arange(SIZE) < 2_000, 0.1, 0.5)
    right = ["yes" if score > 0.5 else "no" for score in scores]
    other = {"yes": "no", "no": "yes"}
    truth = [other[one] if bad else one for one, bad in zip(right, wrong.tolist(), strict=True)]
    return [f"{n * 7919 % SIZE:05d}" for n in range(SIZE)], scores, truth


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_change_is_told_as_by_the_stream_alone(tmp_path: Path, is_restarted: bool) -> None:
    """Labels that come in parts, whatever their ids, are the stream of their order."""
    clock = Clock()
    path = tmp_path / "store.sqlite"
    store = SqliteStore.open(path, clock=clock)
    baseline = fraud_baseline()
    await store.put_baseline(MODEL, "1", baseline.id, baseline.to_json())
    await store.tidy()
    ids, scores, truth = stream_of_labels()
    await store.keep_predictions([predictions(ids, scores)])
    times = [NOW_NS + n * SECOND for n in range(SIZE)]
    for first in range(0, SIZE, 170):
        some = slice(first, first + 170)
        await store.keep_labels([labels(ids[some], truth[some], times[some])])
        corrected = [NOW_NS + SIZE * SECOND] * 20
        await store.keep_labels([labels(ids[first : first + 20], ["no"] * 20, corrected)])
        if first % 3 == 0:
            await store.tidy()
        if is_restarted:
            store.close()
            store = SqliteStore.open(path, clock=clock)
    await store.tidy()
    found = store.concept(MODEL, "1")
    errors = np.array([
        float(("yes" if score > 0.5 else "no") != one)
        for score, one in zip(scores, truth, strict=True)
    ])  # fmt: skip
    alone = ErrorStream.for_baseline(baseline)
    changes = alone.update(errors, np.array(times), np.full(SIZE, NOW_NS))
    assert len(changes) >= 1
    assert list(found.changes) == changes
    assert (found.rows, found.rows_since, found.mean_since) == (
        SIZE, alone.rows_since, alone.mean,
    )  # fmt: skip
    since_ns = changes[-1].detected_ns
    assert store.concept(MODEL, "1", since_ns=since_ns).changes == ()
    assert store.concept(MODEL, "none").changes == ()
    store.close()
