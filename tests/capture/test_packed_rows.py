"""Clean rows as bytes, against the same rows as they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwatch as mw
from modelwatch.capture.checks import compile_reader
from modelwatch.capture.packed_rows import RowLayout
from modelwatch.capture.plan import CapturePlan
from modelwatch.outliers import OutlierLimits
from modelwatch.profile import Profile

Row = dict[str, Any]


def training() -> dict[str, Any]:
    """Features of each kind, one of them with too many categories to know."""
    random = np.random.default_rng(3)
    size = 30_000
    gaps = random.random(size) < 0.1
    text = random.choice(["a", "b", "ü"], size)
    return {
        "number": random.normal(0.0, 1.0, size),
        "gappy": np.where(gaps, np.nan, random.normal(5.0, 1.0, size)),
        "text": text.tolist(),
        "gappy_text": [None if gap else key for gap, key in zip(gaps, text, strict=True)],
        "flag": (random.random(size) < 0.5).tolist(),
        "user": [f"u{number}" for number in range(size)],
    }


@pytest.fixture(scope="module")
def plan() -> CapturePlan:
    """How such rows are read."""
    return CapturePlan(mw.Baseline.fit(training(), model="m", version="1"))


def profile_of(plan: CapturePlan, columns: Any, *, is_clean: bool) -> str:
    """Return what a profile of columns says."""
    profile = Profile.empty("m", "1", baseline=plan.baseline, limits=plan.limits)
    profile.update(columns, is_clean=is_clean)
    return profile.to_json()


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.sampled_from([0.5, 1, True, np.float64(0.25), np.float32(0.5), -0.0]),
            "gappy": st.sampled_from([None, math.nan, 5.0, 4, np.float64("nan")]),
            "text": st.sampled_from(["a", "b", "ü", np.str_("a")]),
            "gappy_text": st.sampled_from([None, "a", "ü"]),
            "flag": st.booleans(),
            "user": st.sampled_from(["u1", "other", "u2"]),
        }
    ),
    min_size=1,
    max_size=30,
)


@given(rows=ROWS)
def test_profile_is_that_of_the_rows_themselves(plan: CapturePlan, rows: list[Row]) -> None:
    """Numbers, categories and what is missing for which reason are counted as they are."""
    assert plan.layout is not None
    kept = [plan.read(row) for row in rows]
    assert None not in kept
    raw = {name: [row[name] for row in rows] for name in plan.reader.names}
    expected = profile_of(plan, raw, is_clean=False)
    assert profile_of(plan, plan.layout.columns(kept), is_clean=True) == expected


@given(rows=ROWS)
def test_values_are_had_back(plan: CapturePlan, rows: list[Row]) -> None:
    """Each row's values come back: numbers as floats, all else as it was."""
    assert plan.layout is not None
    found = plan.layout.values([plan.read(row) for row in rows])
    for row, values in zip(rows, found, strict=True):
        for name, value in zip(plan.reader.names, values, strict=True):
            expected = row[name]
            is_nan = isinstance(expected, float) and math.isnan(expected)
            assert math.isnan(value) if is_nan else value == expected
            assert (value is None) == (expected is None)


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("number", 10**400),
        ("number", None),
        ("number", "0.5"),
        ("number", math.nan),
        ("gappy", math.inf),
        ("text", "c"),
        ("text", None),
        ("text", ["a"]),
        ("gappy_text", math.nan),
        ("flag", 1),
        ("flag", "true"),
        ("flag", None),
        ("user", None),
    ],
)
def test_what_is_unusual_is_not_packed(plan: CapturePlan, feature: str, value: Any) -> None:
    """A value that is no clean one has its row go the way on which it is looked at."""
    row = {
        "number": 0.5,
        "gappy": 5.0,
        "text": "a",
        "gappy_text": "a",
        "flag": True,
        "user": "u1",
    }
    assert plan.read(row) is not None
    assert plan.read({**row, feature: value}) is None


def test_integers_are_counted_as_they_are_written() -> None:
    """Categories that are integers are told from numbers and truth values that equal them."""
    known = frozenset({"1", "2", "10", "2.5"})
    limits = {"code": OutlierLimits(kind="categorical", categories=known, text=False)}
    layout = RowLayout(limits)
    read = compile_reader(1, limits, lambda row: (row["code"],), layout=layout)
    assert layout.values([read({"code": code}) for code in (1, 10, None)]) == [(1,), (10,), (None,)]
    assert [read({"code": code}) for code in (1.0, True, 3, 2.5, "1")] == [None] * 5


def test_rows_beyond_a_distance_are_not_packed() -> None:
    """Where the baseline limits a row's distance, a row that is too far is left to the long way."""
    random = np.random.default_rng(0)
    x = random.normal(size=5_000)
    data = {"x": x, "y": x + 0.01 * random.normal(size=5_000)}
    baseline = mw.Baseline.fit(data, model="m", version="1", outlier_distance=True)
    plan = CapturePlan(baseline)
    assert plan.read({"x": 1.0, "y": 1.0}) is not None
    assert plan.read({"x": 1.0, "y": -1.0}) is None
    assert plan.check((1.0, -1.0)) is not None
