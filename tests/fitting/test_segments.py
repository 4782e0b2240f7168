"""How much the rows of segments vary between blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.comparisons.block_effects import fit_pooled_effects
from modelwatch.comparisons.blocks import count_blocks
from modelwatch.comparisons.value_effects import SegmentSpread
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.segments import SegmentBlocks, SegmentRows


def fitted(x: Any, who: Any) -> SegmentSpread | None:
    """Return the spread of x within the segments."""
    baseline = mw.Baseline.fit(
        {"x": x, "who": who}, model="m", version="1", features=["x"], segment="who"
    )
    return baseline.features["x"].segment_spread


@pytest.mark.parametrize("rows", [1, 37, 1_000])
def test_blocks_are_those_of_each_segments_rows(rows: int) -> None:
    """Each 50 rows of a segment in their order, however the rows come in batches."""
    rng = np.random.default_rng(0)
    who = rng.choice(3, 3_000, p=[0.6, 0.3, 0.1])
    codes = rng.integers(-1, 4, 3_000)
    segments = SegmentRows("who", 3_000, 1_000)
    blocks = SegmentBlocks(segments, 4)
    names = np.array(["a", "b", "c"])
    for start in range(0, 3_000, rows):
        part = slice(start, start + rows)
        segments.update(Batch(start, {"who": names[who[part]].tolist()}, {}))
        blocks.update(codes[part])
    expected = [count_blocks(codes[who == one], 4).tolist() for one in range(2)]
    found = [counts.tolist() for counts in blocks.counts()]
    assert sorted(found) == sorted(expected)  # the third has less than 8 blocks


def test_independent_rows_have_no_spread_whatever_segments_are() -> None:
    """That segments differ from one another is no variation within them."""
    rng = np.random.default_rng(0)
    who = rng.integers(0, 5, 20_000)
    spread = fitted(rng.normal(3.0 * who), who)
    assert spread is not None
    for effect in (spread.values.cells, spread.values.ks, spread.values.location):
        assert max(effect.phi) < 1.3
    assert spread.missing.phi_at(500) == spread.outliers.phi_at(500) == 1.0


def test_levels_of_each_segment_are_seen_where_the_whole_averages_over_them() -> None:
    """A level of .5 deviations a segment and day: 1 + n / 4 for the n rows of a segment's day."""
    rng = np.random.default_rng(0)
    who = rng.integers(0, 10, 60_000)
    day = np.arange(60_000) // 1_000
    x = rng.normal(rng.normal(0, 0.5, (60, 10))[day, who])
    baseline = mw.Baseline.fit(
        {"x": x, "who": who}, model="m", version="1", features=["x"], segment="who"
    )
    feature = baseline.features["x"]
    assert feature.segment_spread is not None
    within = feature.segment_spread.values.location.phi_at(100)
    assert feature.location_effect.phi_at(100) < 3
    assert 12 < within < 26
    part = baseline.of_segment("1").features["x"]
    assert part.location_effect == feature.segment_spread.values.location


def test_runs_of_missing_values_in_a_segment_are_seen() -> None:
    """Where a segment's values are missing for days on end, that is expected of its windows."""
    rng = np.random.default_rng(0)
    who = rng.integers(0, 4, 40_000)
    lost = (rng.random((40, 4)) < 0.2)[np.arange(40_000) // 1_000, who]
    spread = fitted(np.where(lost, np.nan, rng.normal(size=40_000)), who)
    assert spread is not None
    assert spread.missing.phi_at(200) > 20


def test_segments_with_too_few_rows_leave_the_whole_to_be_taken() -> None:
    """With fewer than 400 rows in each, nothing is known of the segments' own blocks."""
    rng = np.random.default_rng(0)
    baseline = mw.Baseline.fit(
        {"x": rng.normal(size=2_000), "who": np.arange(2_000) % 10},
        model="m", version="1", features=["x"], segment="who",
    )  # fmt: skip
    feature = baseline.features["x"]
    assert feature.segment_spread is None
    assert baseline.of_segment("3").features["x"].values_effect == feature.values_effect


def test_pooled_effects_of_one_stream_are_those_of_its_blocks() -> None:
    """Of no streams, or of constant ones, nothing is known."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.integers(0, 6, 200), 100)
    blocks = count_blocks((level + rng.integers(0, 6, 20_000)).astype(np.intp), 12)
    one, two = (fit_pooled_effects([blocks] * copies) for copies in (1, 2))
    assert one.cells.sizes == two.cells.sizes
    assert one.cells.phi == pytest.approx(two.cells.phi, rel=1e-12)
    assert one.cells.phi_at(100) > 5
    for nothing in ([], [np.full((9, 1), 50)], [np.zeros((9, 3), np.int64)]):
        assert fit_pooled_effects(nothing).cells.sizes == ()


def test_a_column_of_too_many_values_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Where most rows come to lie in no segment of their own, a better column is asked for."""
    rng = np.random.default_rng(3)
    data = {"x": rng.normal(size=4_000), "id": np.arange(4_000).astype(str)}
    mw.Baseline.fit(data, model="m", version="1", features=["x"], segment="id")
    assert "has too many values" in caplog.text
    caplog.clear()
    data["id"] = rng.choice(["a", "b"], 4_000)
    mw.Baseline.fit(data, model="m", version="1", features=["x"], segment="id")
    assert "has too many values" not in caplog.text
