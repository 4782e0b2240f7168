from __future__ import annotations

import gc
import math
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.capture.buffer import CLEAN, Buffer, CallTally, RowEntry
from modelwatch.capture.folding import Folder
from modelwatch.capture.guard import Guard
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.row_groups import alike, input_columns
from modelwatch.profile import Profile
from tests.watched import FakeTransport

Row = dict[str, Any]


@pytest.fixture(scope="module")
def plan() -> CapturePlan:
    """Features of each kind, of which two may be missing."""
    random = np.random.default_rng(3)
    size = 3_000
    gaps = random.random(size) < 0.1
    text = random.choice(["a", "b", "c"], size)
    data: dict[str, Any] = {
        "number": random.normal(0.0, 1.0, size),
        "gappy": np.where(gaps, np.nan, random.normal(5.0, 1.0, size)),
        "count": random.poisson(3.0, size),
        "text": text.tolist(),
        "gappy_text": [None if gap else key for gap, key in zip(gaps, text, strict=True)],
        "flag": (random.random(size) < 0.5).tolist(),
    }
    return CapturePlan(mw.Baseline.fit(data, model="m", version="1"))


def test_clean_rows_make_the_same_profile_as_any_rows(plan: CapturePlan) -> None:
    """Converting clean rows without a look at each value changes nothing of what is counted."""
    entries = [entry for entry in made_entries(plan, 2_000) if entry[2] is CLEAN]
    (group,) = alike(entries, {plan.number: plan})
    assert group.is_clean
    quick, slow = empty(plan), empty(plan)
    assert plan.layout is not None
    quick.update(plan.layout.columns(group.values), is_clean=True)
    slow.update(input_columns(group))
    assert slow.outlier_rows == 0
    assert quick.to_json() == slow.to_json()


def test_rows_are_grouped_by_plan_and_kind(plan: CapturePlan) -> None:
    """Rows of another plan, with outliers, or that failed, come in groups of their own."""
    other = CapturePlan(None, ["a"])
    values = (0.0, 5.0, 3, "a", "a", True)
    entries: list[RowEntry] = [
        (plan.number, values, CLEAN, 0.5, 0.1),
        (plan.number, values, None, 0.5, 0.2),
        (other.number, (1,), None, 0.5, 0.3),
        (plan.number, values, CLEAN, Failure("ValueError"), 0.4),
        (plan.number, values, CLEAN, 0.5, 0.5),
    ]
    groups = list(alike(entries, {plan.number: plan, other.number: other}))
    found = {(g.plan is plan, g.is_clean, g.is_failed): tuple(g.durations) for g in groups}
    assert found == {
        (True, True, False): (0.1, 0.5),
        (True, False, False): (0.2,),
        (False, False, False): (0.3,),
        (True, True, True): (0.4,),
    }


def test_rows_of_a_plan_that_was_let_go_are_counted_as_lost(plan: CapturePlan) -> None:
    """They cannot be folded without their plan; the others are."""
    row = {"number": 0.0, "gappy": 5.0, "count": 3, "text": "a", "gappy_text": "a", "flag": True}
    values = plan.read(row)
    assert values is not None
    buffer, tally = Buffer(10), CallTally()
    folder = Folder("m", "1", buffer=buffer, tally=tally, guard=Guard())
    buffer.know(plan)
    buffer.rows.extend([(plan.number, values, CLEAN, 0.5, 0.1), (-1, values, CLEAN, 0.5, 0.1)])
    (profile,) = folder.cut(plan)
    assert profile.rows == 1
    assert profile.dropped == {"fault": 1}


def test_waiting_rows_are_no_work_for_the_garbage_collector(plan: CapturePlan) -> None:
    """A usual row that waits holds plain values alone, so that it is looked at once."""
    watch = mw.Watch("m", version="1", baseline=plan.baseline, transport=FakeTransport())
    predict = watch(score)
    row = {"number": 0.5, "gappy": 5.0, "count": 3, "text": "a", "gappy_text": "a", "flag": True}
    watch.recorder._start = lambda: None  # nothing is folded meanwhile
    for _ in range(3):
        predict(row)
    waiting = list(watch.recorder.buffer.rows)
    watch.shutdown()
    assert len(waiting) == 3
    for _ in range(2):
        gc.collect()
    assert [gc.is_tracked(entry) for entry in waiting] == [False] * 3


def made_entries(plan: CapturePlan, size: int) -> list[RowEntry]:
    """Return entries as watched calls make them: clean where the plan reads them so."""
    random = np.random.default_rng(4)
    entries: list[RowEntry] = []
    for _ in range(size):
        row: Row = {
            "number": random.choice([0.5, np.float64(0.25), 1, True, 99.0]),
            "gappy": [None, math.nan, 5.0, 4][random.integers(4)],
            "count": [3, 2, np.int64(1)][random.integers(3)],
            "text": random.choice(["a", "b", "z"]).item(),
            "gappy_text": [None, "a"][random.integers(2)],
            "flag": [True, False][random.integers(2)],
        }
        values = plan.read(row)
        if values is None:
            entries.append((plan.number, tuple(row.values()), None, 0.5, 0.1))
        else:
            entries.append((plan.number, values, CLEAN, 0.5, 0.1))
    clean = sum(entry[2] is CLEAN for entry in entries)
    assert 0 < clean < size
    return entries


def empty(plan: CapturePlan) -> Profile:
    """Return a profile of no rows."""
    return Profile.empty("m", "1", baseline=plan.baseline)


def test_without_a_baseline_odd_values_are_still_counted() -> None:
    """Rows that no baseline has checked are looked at when they are folded."""
    watch = mw.Watch("m", version="1", transport=FakeTransport(), export_interval_seconds=3_600.0)
    predict = watch(score)
    for value in (1.0, 2.0, 3.0, "four"):
        predict({"a": value})
    (profile,) = watch.recorder.folder.cut(watch.recorder.last_plan)
    watch.shutdown()
    assert profile.features["a"].outliers == {"type": 1}
    assert profile.outlier_rows == 1


def score(features: Row) -> float:
    """Return a score."""
    return 0.5
