"""What is beyond the horizon, or has no room, is let go of; what was summed up of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwatch.collector.outcomes.protocols import LabelsKept
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from tests.collector.outcomes.outcome_traffic import (
    DAY,
    HOUR,
    MODEL,
    NOW_NS,
    Clock,
    fraud_baseline,
    labels,
    predictions,
)

EVER = TimeWindow(0, (NOW_NS // DAY + 100) * DAY)


def rows_in(store: SqliteStore) -> int:
    """Return how many predictions and labels are stored."""
    return int(store.database.read("SELECT count(*) FROM outcomes")[0][0])


async def test_what_was_summed_up_stays(tmp_path: Path) -> None:
    """After the horizon the rows are gone and their figures are not; a late label is told so."""
    clock = Clock()
    store = SqliteStore.open(tmp_path / "s", clock=clock, label_horizon_seconds=86_400)
    baseline = fraud_baseline()
    await store.put_baseline(MODEL, "1", baseline.id, baseline.to_json())
    await store.tidy()
    await store.keep_predictions([predictions(["a", "b"], [0.9, 0.2])])
    await store.keep_labels([labels(["a", "waits"], ["yes", "no"])])
    assert (rows_in(store), store.label_counts(MODEL).waiting) == (4, 1)
    clock.now_ns += DAY
    await store.tidy()
    assert rows_in(store) == 4
    clock.now_ns += HOUR
    await store.tidy()
    assert (rows_in(store), store.label_counts(MODEL).waiting) == (0, 0)
    found = store.outcomes(MODEL, "1", EVER)
    assert (found.predictions, found.labelled, found.summaries[""].rows) == (2, 1, 1)
    kept = await store.keep_predictions([predictions(["b"], [0.2])])
    assert (kept.stored, kept.expired) == (0, 1)
    assert await store.keep_labels([labels(["b"], ["no"])]) == LabelsKept(expired=1)
    store.close()


async def test_an_id_tells_that_it_is_too_old(tmp_path: Path) -> None:
    """A label of a UUID of version 7 made before the horizon waits for nothing."""
    store = SqliteStore.open(tmp_path / "s", clock=Clock(), label_horizon_seconds=86_400)
    old, new = ((NOW_NS - age) // 10**6 for age in (DAY + HOUR, HOUR))
    ids = [f"{one >> 16:08x}-{one & 0xFFFF:04x}-7000-8000-000000000000" for one in (old, new)]
    assert await store.keep_labels([labels(ids, ["no"] * 2)]) == LabelsKept(expired=1, waiting=1)
    store.close()


async def test_a_shorter_horizon_holds_from_then_on(tmp_path: Path) -> None:
    """The horizon may be changed while the store is open."""
    store = SqliteStore.open(tmp_path / "s", clock=Clock())
    await store.keep_predictions([predictions(["a", "b"], [0.1] * 2, times_ns=[NOW_NS, 1])])
    assert rows_in(store) == 1
    await store.keep_predictions([predictions(["c"], [0.1], times_ns=[NOW_NS - HOUR])])
    store.wait_for_labels(600)
    await store.tidy()
    assert rows_in(store) == 1
    store.close()


async def test_the_oldest_wait_no_longer_where_there_is_no_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Predictions take half of the store at most: beyond it the newest stay, and it is told."""
    store = SqliteStore(
        Database(tmp_path / "s"),
        retention=Retention(max_store_bytes=2**20),
        clock=Clock(),
    )
    for hours in range(20):
        ids = [f"{hours}-{n}" for n in range(1_000)]
        times = [NOW_NS - hours * HOUR] * len(ids)
        await store.keep_predictions([predictions(ids, [0.1] * len(ids), times_ns=times)])
    await store.tidy()
    assert "there is room for no more" in caplog.text
    assert 4_000 < rows_in(store) < 10_000
    kept = await store.keep_labels([labels([f"{hours}-1" for hours in range(20)], ["no"] * 20)])
    assert (kept.joined, kept.waiting) == (rows_in(store) // 1_000, 20 - kept.joined)
    store.close()
