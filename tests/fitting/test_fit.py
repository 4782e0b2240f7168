"""Fitting in streamed passes: the baseline of the rows, however they come."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwatch.fitting.order as order
import modelwatch.fitting.survey as survey
from modelwatch.baseline import Baseline
from modelwatch.baseline_format import baseline_to_json
from modelwatch.errors import DataError, SchemaError
from tests.conftest import make_table

Table = dict[str, Any]
ROLES = {"prediction": "predicted", "score": "score"}


def fit(data: object, **options: Any) -> Baseline:
    """Fit a baseline of model churn, version 3."""
    return Baseline.fit(data, model="churn", version="3", **options)


def stream(frame: pl.DataFrame, rows: int) -> Callable[[], Iterator[pl.DataFrame]]:
    """Return a function that yields frames of so many rows."""
    return lambda: frame.iter_slices(rows)


def assert_alike(one: Baseline, other: Baseline) -> None:
    """Bins, vocabularies, counts and limits are equal; what is averaged is so up to rounding."""
    assert one.features.keys() == other.features.keys()
    for name, feature in one.features.items():
        twin = other.features[name]
        for field in ("kind", "role", "categories", "rare_categories", "cells", "cell_counts"):
            assert getattr(feature, field) == getattr(twin, field), (name, field)
        assert feature.limits == twin.limits
        assert feature.mean == pytest.approx(twin.mean, rel=1e-12)
        if feature.bin_edges is not None and twin.bin_edges is not None:
            assert feature.bin_edges.tolist() == twin.bin_edges.tolist()
        for field in ("values_effect", "missing_effect", "outliers_effect"):
            mine, theirs = getattr(feature, field), getattr(twin, field)
            assert mine.sizes == theirs.sizes, (name, field)
            assert mine.phi == pytest.approx(theirs.phi, rel=1e-9)
        before, now = one.profile.features[name], other.profile.features[name]
        assert before.missing == now.missing
        assert before.outliers == now.outliers
        assert np.array_equal(_counts(before.values), _counts(now.values))


def _counts(values: Any) -> Any:
    counts = values.counts
    return sorted(counts.items()) if isinstance(counts, dict) else counts


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Rows whose level drifts slowly, with gaps, rare categories and classes."""
    rng = np.random.default_rng(0)
    rows = 9_000
    level = np.repeat(rng.normal(size=rows // 100), 100)
    table = make_table(0, rows) | {
        "slow": level + rng.normal(size=rows),
        "gap": [None if index % 7 == 0 else float(index % 13) for index in range(rows)],
        "word": [f"w{int(number) % 500}" for number in rng.zipf(1.4, rows)],
        "day": [dt.date(2024, 1, 1) + dt.timedelta(days=index // 50) for index in range(rows)],
    }
    return pl.DataFrame(table)


@pytest.mark.parametrize("rows", [170, 4_000])
def test_a_stream_gives_the_baseline_of_its_rows(frame: pl.DataFrame, rows: int) -> None:
    """Frames of any length give what all rows at once do."""
    assert_alike(fit(stream(frame, rows), **ROLES), fit(frame, **ROLES))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".arrow"])
def test_a_file_gives_the_baseline_of_its_rows(
    frame: pl.DataFrame, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every format, read in many parts."""
    monkeypatch.setattr("modelwatch.tables.csv_batches.PART_BYTES", 40_000)
    path = tmp_path / f"rows{suffix}"
    writers: dict[str, Callable[..., object]] = {
        ".parquet": frame.write_parquet,
        ".csv": frame.write_csv,
        ".arrow": frame.write_ipc,
    }
    writers[suffix](path)
    assert_alike(fit(path, **ROLES), fit(frame, **ROLES))


def test_a_stream_out_of_order_is_sorted(frame: pl.DataFrame) -> None:
    """Rows that are not in the order of their timestamp are put into it where they are few."""
    timed = frame.with_columns(at=pl.int_range(pl.len()))
    shuffled = timed.sample(fraction=1.0, shuffle=True, seed=1)
    expected = fit(timed, timestamp="at", **ROLES)
    assert expected.features["slow"].values_effect.phi_at(100) > 5
    assert_alike(fit(stream(shuffled, 700), timestamp="at", **ROLES), expected)


def test_a_long_stream_out_of_order_says_what_to_do(
    frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than are sorted in memory are refused, with the remedy."""
    monkeypatch.setattr(order, "MAX_SORTED_ROWS", 5_000)
    timed = frame.with_columns(at=pl.int_range(pl.len()).reverse())
    with pytest.raises(DataError, match=r"not in the order of 'at'.*5,000.*sort the data"):
        fit(stream(timed, 700), timestamp="at", **ROLES)
    assert fit(timed, timestamp="at", **ROLES).rows == 9_000


def test_the_first_row_without_a_time_is_told_in_a_stream(frame: pl.DataFrame) -> None:
    """Rows are numbered through all frames."""
    at = pl.int_range(pl.len())
    timed = frame.with_columns(at=pl.when(at != 4_321).then(at))
    with pytest.raises(SchemaError, match=r"no time in row 4321 "):
        fit(stream(timed, 700), timestamp="at", **ROLES)


def test_an_iterator_cannot_be_read_twice(frame: pl.DataFrame) -> None:
    """The error names what can be."""
    with pytest.raises(DataError, match="function that returns the iterator anew"):
        fit(stream(frame, 100)())


def test_data_that_changes_meanwhile_is_refused(frame: pl.DataFrame) -> None:
    """A source that has other rows the second time gives no baseline of both."""
    reads = iter([frame, frame.head(100)])
    with pytest.raises(DataError, match="9000 rows when it was first read, and 100 then"):
        fit(lambda: iter([next(reads)]))


def test_a_column_that_ends_is_told() -> None:
    """Later rows without a column that the first had are no data of one table."""
    with pytest.raises(SchemaError, match=r"'y' is in the first rows and not in later ones"):
        fit([pd.DataFrame({"x": [1.0], "y": [1.0]}), pd.DataFrame({"x": [1.0]})])


@pytest.mark.parametrize("first", ["numbers", "texts", "nulls", "booleans"])
def test_mixed_types_across_batches_are_judged_by_all_rows(first: str) -> None:
    """The majority of all rows decides, and not the first batch."""
    parts: dict[str, list[Any]] = {
        "numbers": [1.0, 2.0] * 20,
        "texts": [f"t{index % 3}" for index in range(90)],
        "nulls": [None] * 40,
        "booleans": [True] * 10,
    }
    ordered = [parts[first], *(values for name, values in parts.items() if name != first)]
    whole = [value for values in ordered for value in values]
    baseline = fit([pd.DataFrame({"x": values}, dtype=object) for values in ordered])
    assert_alike(baseline, fit({"x": whole}))
    feature = baseline.profile.features["x"]
    assert feature.kind == "categorical"
    assert feature.missing == {"wrong_type": 50, "null": 40}


@pytest.mark.parametrize("late", [0.5, 99.0])
def test_classes_are_judged_by_all_rows(late: float) -> None:
    """Predictions that look like classes at first are numbers where later ones are none."""
    first = pd.DataFrame({"x": [1.0] * 40, "y": [0.0, 1.0] * 20})
    later = pd.DataFrame({"x": [2.0] * 60, "y": np.linspace(0, late, 60)})
    assert fit([first, first], prediction="y").features["y"].kind == "categorical"
    assert fit([first, later], prediction="y").features["y"].kind == "numeric"
    assert fit([later, first], prediction="y").features["y"].kind == "numeric"


def test_a_sample_tells_where_the_bins_of_many_values_lie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bounded sample gives nearly the same bins; the counts on them are of all rows."""
    monkeypatch.setattr(survey, "MAX_SAMPLED_VALUES", 10_000)
    values = pl.DataFrame({"x": np.random.default_rng(0).normal(size=70_000)})
    baseline = fit(stream(values, 3_000))
    exact = fit(values)
    edges = baseline.features["x"].bin_edges
    assert edges is not None
    assert baseline.profile.features["x"].observed == 70_000
    shares = np.searchsorted(np.sort(values["x"].to_numpy()), edges) / 70_000
    assert np.abs(np.diff(shares)).max() < 0.02
    assert baseline.profile.features["x"].moments is not None
    assert baseline.features["x"].mean == pytest.approx(exact.features["x"].mean, abs=1e-9)


def test_blocks_of_long_data_take_bounded_memory(
    frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where blocks are too many for memory, stretches of them still show the dependence."""
    monkeypatch.setattr("modelwatch.fitting.effects.MOST_BYTES", 100_000)
    effect = fit(frame.select("slow", "age")).features["slow"].values_effect
    whole = fit(frame.select("slow", "age")).features["slow"].values_effect
    assert effect.phi_at(50) == pytest.approx(whole.phi_at(50), rel=0.3)
    assert max(effect.sizes) <= 9_000 // 8


def test_ever_new_categories_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a stream of ids the frequent categories are kept, and none counts as unseen."""
    monkeypatch.setattr(survey, "MAX_COUNTED_CATEGORIES", 200)
    rows = [f"id{index}" if index % 2 else f"often{index % 5}" for index in range(4_000)]
    baseline = fit(stream(pl.DataFrame({"c": rows}), 100))
    feature = baseline.features["c"]
    assert {f"often{index}" for index in range(5)} <= set(feature.categories or ())
    assert feature.limits.categories is None
    assert baseline.profile.features["c"].outliers == {}
    assert baseline.profile.features["c"].observed == 4_000


def test_ten_thousand_categories_are_all_known() -> None:
    """None of them is unseen later on; more than are remembered make none unseen."""
    names = [f"c{index}" for index in range(10_000)] * 2
    known = fit({"c": names}).features["c"]
    assert known.limits.categories == frozenset(names)
    assert len(known.categories or ()) == 100
    more = fit({"c": [f"c{index}" for index in range(20_000)]})
    assert more.features["c"].limits.categories is None
    assert not more.profile.features["c"].outliers


def test_an_all_missing_batch_is_missing_rows() -> None:
    """It neither hides the values of others nor changes their kind."""
    parts = [
        pd.DataFrame({"x": [None] * 50, "c": [None] * 50}),
        pd.DataFrame({"x": [1.0, 2.0] * 50, "c": ["a", "b"] * 50}),
        pd.DataFrame({"x": [np.nan] * 50, "c": [None] * 50}),
    ]
    baseline = fit(parts)
    assert baseline.features["x"].kind == "numeric"
    assert baseline.features["c"].kind == "categorical"
    assert baseline.profile.features["x"].observed == 100
    assert baseline.profile.features["c"].missing_count == 100


def test_one_row_and_constants_fit() -> None:
    """A baseline of one row has bins, and its document is whole."""
    baseline = fit([pd.DataFrame({"x": [5.0], "c": ["a"], "big": [2**53 + 1]})])
    assert baseline.rows == 1
    assert Baseline.from_json(baseline_to_json(baseline)).id == baseline.id


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pl.Series])
def test_an_integer_beyond_two_to_the_53_is_its_nearest_double(make: Callable[..., Any]) -> None:
    """Integers are counted as doubles: beyond 2**53 neighbours may fall together."""
    big = 2**53
    feature = fit({"x": make([big, big + 1, big + 2, 0])}).profile.features["x"]
    assert feature.observed == 4
    assert feature.moments is not None
    assert feature.moments.maximum == float(big + 2)


def test_rows_sorted_by_their_label_are_known_in_a_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Class by class through several frames is sorted; class by class twice is not."""
    rng = np.random.default_rng(0)
    half = [pl.DataFrame({"x": rng.normal(size=500), "y": [kind] * 500}) for kind in ("a", "b")]
    with caplog.at_level(logging.WARNING, "modelwatch"):
        sorted_rows = fit(half, label="y")
        assert "sorted by 'y'" in caplog.text
        caplog.clear()
        fit(half + half, label="y")
        assert "sorted by 'y'" not in caplog.text
    assert sorted_rows.features["x"].values_effect.sizes == ()


def test_progress_grows_to_one(frame: pl.DataFrame, tmp_path: Path) -> None:
    """The share done never falls, and ends at all of it."""
    path = tmp_path / "rows.csv"
    frame.write_csv(path)
    shares: list[float] = []
    fit(path, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) >= 2


def test_a_normal_feature_has_the_kurtosis_of_one() -> None:
    """Three for normal values, one for a coin; none where values are equal."""
    rng = np.random.default_rng(0)
    data = {"n": rng.normal(1e6, 1, 50_000), "coin": [0.0, 1.0] * 25_000, "same": [1.0] * 50_000}
    features = fit(data).features
    assert features["n"].kurtosis == pytest.approx(3, abs=0.1)
    assert features["coin"].kurtosis == pytest.approx(1, abs=1e-3)
    assert features["same"].kurtosis is None
