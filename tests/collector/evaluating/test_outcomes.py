from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

import modelwatch as mw
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.label_growth import LabelGrowth
from modelwatch.collector.evaluating.label_reader import LabelReader
from modelwatch.collector.evaluating.performance_history import (
    PerformanceHistory,
    WindowPerformance,
)
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import WindowProfiles
from tests.collector.conftest import MODEL, NOW_NS, VERSION
from tests.collector.labelled_traffic import (
    ROWS,
    LabelledTraffic,
    labelled_baseline,
    minute,
)
from tests.labelled_tables import Table, is_yes


@pytest.fixture(scope="module")
def classifier() -> mw.Baseline:
    """A classifier's baseline with labels."""
    return labelled_baseline()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store of a collector that judges minutes."""
    database = Database(tmp_path / "store.sqlite")
    opened = SqliteStore(database, window_seconds=60, clock=lambda: NOW_NS)
    yield opened
    opened.close()


@pytest.fixture
async def traffic(store: SqliteStore, classifier: mw.Baseline) -> LabelledTraffic:
    """Its traffic into an empty store, where its baseline is in force."""
    found = LabelledTraffic(store, classifier)
    await found.put_baseline()
    return found


def reader_of(store: SqliteStore) -> LabelReader:
    """Return what reads the labels of a store."""
    return LabelReader(store, window_seconds=60)


def scheduler_of(store: SqliteStore) -> Scheduler:
    """Return a schedule that takes labels into account."""
    return Scheduler(
        store,
        Evaluator(store, reader_of(store)),
        Schedule(window_seconds=60, interval_seconds=30.0, lateness_seconds=0.0),
        growth=LabelGrowth(reader_of(store), store, window_seconds=60),
        clock=lambda: NOW_NS,
    )


def rows_of(table: Table, rows: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, prediction and score of some rows."""
    kept = list(rows)
    truth, predicted = is_yes(table, "label"), is_yes(table, "predicted")
    return truth[kept], predicted[kept], table["score"][kept]


async def test_a_window_with_labels_tells_what_it_was_worth(
    store: SqliteStore, traffic: LabelledTraffic
) -> None:
    """Realised metrics are scikit-learn's of the labelled rows, beside the estimates of all."""
    table = traffic.table(0)
    await traffic.send(0, table)
    labelled = range(0, ROWS, 2)
    await traffic.label(0, table, labelled)
    found = Evaluator(store, reader_of(store)).assess(MODEL, VERSION, minute(0))
    assert found.report is not None
    assert found.outcomes is not None
    truth, predicted, score = rows_of(table, labelled)
    performance = found.report.performance
    assert performance["accuracy"].realized == accuracy_score(truth, predicted)
    assert performance["f1"].realized == pytest.approx(f1_score(truth, predicted), rel=1e-12)
    auc = performance["roc_auc"]
    assert auc.realized == pytest.approx(roc_auc_score(truth, score), abs=1e-3)
    plain = Evaluator(store).assess(MODEL, VERSION, minute(0)).report
    assert plain is not None
    assert auc.estimated == plain.performance["roc_auc"].estimated
    assert (auc.estimated_lower, auc.estimated_upper) == (
        plain.performance["roc_auc"].lower,
        plain.performance["roc_auc"].upper,
    )
    assert found.report.labels == found.outcomes.labels
    assert (found.outcomes.labels.predictions, found.outcomes.labels.labelled) == (600, 300)
    assert found.outcomes.labels.delay_median_seconds == pytest.approx(10.0, abs=5.0)
    by_segment = found.outcomes.segments
    assert by_segment.keys() == {"eu", "us"}
    eu = range(2, ROWS, 2)
    kept = [row for row in eu if row % 3]
    truth, predicted = is_yes(table, "label")[kept], is_yes(table, "predicted")[kept]
    assert by_segment["eu"]["accuracy"].realized == accuracy_score(truth, predicted)


async def test_without_labels_nothing_changes(store: SqliteStore, traffic: LabelledTraffic) -> None:
    """Predictions that wait are counted; the report is that of a collector without labels."""
    await traffic.send(0, traffic.table(0))
    found = Evaluator(store, reader_of(store)).assess(MODEL, VERSION, minute(0))
    plain = Evaluator(store).assess(MODEL, VERSION, minute(0))
    assert found.report is not None
    assert plain.report is not None
    assert found.report.performance == plain.report.performance
    assert plain.outcomes is None
    assert found.report.labels is not None
    assert (found.report.labels.labelled, found.report.labels.coverage) == (0, 0.0)


async def test_an_evaluated_window_is_judged_again_as_labels_come(
    store: SqliteStore, traffic: LabelledTraffic
) -> None:
    """Not for each label, but for a tenth more; a process that starts anew knows how many were."""
    table = traffic.table(0)
    await traffic.send(0, table)
    schedule = scheduler_of(store)
    assert await schedule.run_once() == 1
    assert await schedule.run_once() == 0
    for upto, judged in ((40, 0), (100, 1), (105, 0), (110, 1), (600, 1), (600, 0)):
        await traffic.label(0, table, range(upto))
        assert await schedule.run_once() == judged, upto
        assert await scheduler_of(store).run_once() == 0, upto
    (stored,) = store.summaries(MODEL, VERSION, limit=9)
    assert stored.summary.labels is not None
    assert stored.summary.labels.labelled == 600
    truth, predicted, _ = rows_of(table, range(ROWS))
    realised = stored.summary.performance["accuracy"].realized
    assert realised == accuracy_score(truth, predicted)


async def test_a_changed_relation_is_told_from_drifted_inputs(
    store: SqliteStore, traffic: LabelledTraffic
) -> None:
    """The same inputs with other answers are concept drift; other inputs alone never are."""
    cases = {0: {"flipped": 0.25}, 1: {"shift": 0.8}, 2: {}}
    verdicts = {}
    for back, changed in cases.items():
        table = traffic.table(back, **changed)
        await traffic.send(back, table)
        await traffic.label(back, table)
        found = Evaluator(store, reader_of(store)).assess(MODEL, VERSION, minute(back))
        assert found.report is not None
        verdicts[back] = found.report.performance["accuracy"]
    assert verdicts[0].verdict == "concept drift"
    assert "relation" in (verdicts[0].explained or "")
    assert verdicts[1].verdict not in ("concept drift", "both")
    assert verdicts[2].verdict == "no change"


async def test_history_is_realised_by_the_labels_that_there_are_now(
    store: SqliteStore, traffic: LabelledTraffic
) -> None:
    """Windows are on the grid, estimates those of their evaluation, and labels the latest."""
    tables = {back: traffic.table(back) for back in (0, 1, 3)}
    for back, table in tables.items():
        await traffic.send(back, table)
    await scheduler_of(store).run_once()
    await traffic.label(3, tables[3])
    history = PerformanceHistory(
        store, Evaluator(store, reader_of(store)), reader_of(store), window_seconds=60
    )

    def windows(segment: str = "") -> list[WindowPerformance]:
        return history.windows(
            MODEL, VERSION, seconds=60, limit=20, until_ns=NOW_NS, segment=segment
        )

    found = windows()
    assert [one.window for one in found] == [minute(3), minute(2), minute(1), minute(0)]
    truth, predicted, _ = rows_of(tables[3], range(ROWS))
    first, empty = found[0].metrics["accuracy"], found[1]
    assert first.realized == accuracy_score(truth, predicted)
    assert first.estimated is not None
    assert first.verdict is not None
    assert empty.is_empty
    assert found[3].metrics["accuracy"].realized is None
    assert found[0].segments == ("eu", "us")
    (us, *_) = windows(segment="us")
    kept = list(range(0, ROWS, 3))
    assert us.metrics["accuracy"].realized == accuracy_score(truth[kept], predicted[kept])
    assert us.metrics["accuracy"].estimated is None
    longer = history.windows(MODEL, VERSION, seconds=300, limit=3, until_ns=NOW_NS + 300 * 10**9)
    assert sum(one.labels.labelled for one in longer if one.labels) == ROWS


async def test_what_was_rolled_up_is_not_judged_again(
    store: SqliteStore, traffic: LabelledTraffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels of a window whose rows are part of a longer span leave its evaluation as it was."""
    table = traffic.table(0)
    await traffic.send(0, table)
    schedule = scheduler_of(store)
    assert await schedule.run_once() == 1
    nothing = WindowProfiles(profiles={}, unmergeable=0, instances=0, through_id=0)
    monkeypatch.setattr(store, "window", lambda *_: nothing)
    await traffic.label(0, table)
    assert await schedule.run_once() == 0
    (stored,) = store.summaries(MODEL, VERSION, limit=9)
    assert stored.summary.rows == ROWS
    assert stored.summary.performance["accuracy"].realized is None
