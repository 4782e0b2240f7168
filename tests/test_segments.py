"""Segments: the parts of the traffic, each with statistics of its own, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwatch as mw
from modelwatch.errors import SchemaError
from modelwatch.profile import Profile
from modelwatch.segments import (
    MAX_HELD,
    MAX_SEGMENTS,
    OTHER,
    SegmentCodes,
    arranged,
    most_frequent,
    split_profile,
)
from modelwatch.sketches import Categories, Histogram
from tests.conftest import make_table

Table = dict[str, Any]


def fit(data: object, **options: Any) -> mw.Baseline:
    """Fit a baseline of model churn, version 3."""
    return mw.Baseline.fit(data, model="churn", version="3", **options)


def rows_of(data: Table, chosen: Any) -> Table:
    """Return some rows of a table."""
    places = np.flatnonzero(np.asarray(chosen))
    return {name: [values[place] for place in places] for name, values in data.items()}


def assert_alike(one: Profile, other: Profile) -> None:
    """Counts are equal, moments up to rounding."""
    assert one.rows == other.rows
    assert one.features.keys() == other.features.keys()
    for name, feature in one.features.items():
        twin = other.features[name]
        assert feature.missing == twin.missing
        assert feature.values.total == twin.values.total
        if isinstance(feature.values, Histogram) and isinstance(twin.values, Histogram):
            assert feature.values.counts.tolist() == twin.values.counts.tolist()
        if isinstance(feature.values, Categories) and isinstance(twin.values, Categories):
            assert feature.values.counts == twin.values.counts
        if feature.moments and twin.moments:
            assert feature.moments.mean == pytest.approx(twin.moments.mean, rel=1e-12)
            assert feature.moments.m2 == pytest.approx(twin.moments.m2, rel=1e-9)


@pytest.fixture(scope="module")
def data() -> Table:
    """Rows of three countries and some others, with gaps and odd values."""
    table = make_table(0, 6_000)
    table["age"] = [None if place % 11 == 0 else age for place, age in enumerate(table["age"])]
    table["income"][::97] = np.inf
    return table


@pytest.fixture(scope="module")
def by_country(data: Table) -> mw.Baseline:
    """A baseline with a segment for each country."""
    return fit(data, segment="country", prediction="predicted", score="score")


def test_each_segment_has_the_statistics_of_its_own_rows(
    data: Table, by_country: mw.Baseline
) -> None:
    """They are what a profile of the segment's rows alone holds, gaps and reasons too."""
    assert set(by_country.segments) == {"de", "fr", "us"}
    for name, profile in by_country.segments.items():
        chosen = [country == name for country in data["country"]]
        alone = Profile.from_data(rows_of(data, chosen), baseline=by_country)
        assert_alike(profile, alone)
        assert profile.segment == name


def test_the_most_frequent_come_first(by_country: mw.Baseline) -> None:
    """Segments are in the order of their rows."""
    rows = [profile.rows for profile in by_country.segments.values()]
    assert rows == sorted(rows, reverse=True)


def test_the_whole_is_as_without_segments(data: Table, by_country: mw.Baseline) -> None:
    """Features, limits and design effects do not depend on the segments."""
    plain = fit(data, prediction="predicted", score="score")
    assert plain.profile.to_json() == by_country.profile.to_json()
    for name, feature in plain.features.items():
        assert feature.value_effects == by_country.features[name].value_effects
    assert (plain.segment, plain.segments) == (None, {})


def test_a_split_of_data_is_the_whole_and_its_parts(data: Table, by_country: mw.Baseline) -> None:
    """In one pass over tables that may be an iterator; the whole is that of `from_data`."""
    frame = pl.DataFrame(make_table(1, 1_000), strict=False)
    whole, parts = split_profile(frame.iter_slices(130), baseline=by_country)
    once = Profile.from_data(frame.iter_slices(130), baseline=by_country)
    assert whole.to_json() == once.to_json()
    assert sum(part.rows for part in parts.values()) == 1_000
    for name, part in parts.items():
        alone = Profile.from_data(frame.filter(pl.col("country") == name), baseline=by_country)
        assert_alike(part, alone)


def test_files_are_split_as_frames_are(by_country: mw.Baseline, tmp_path: Path) -> None:
    """The file is read once, some rows at a time."""
    frame = pl.DataFrame(make_table(1, 500))
    frame.write_parquet(tmp_path / "now.parquet")
    told: list[float] = []
    _, parts = split_profile(tmp_path / "now.parquet", baseline=by_country, progress=told.append)
    of_frame = split_profile(frame, baseline=by_country).segments
    assert {name: part.rows for name, part in parts.items()} == {
        name: part.rows for name, part in of_frame.items()
    }
    assert told[-1] == 1.0


@pytest.mark.parametrize("lacking", [{}, {"country": [None] * 500}])
def test_data_that_names_no_segment_has_none(by_country: mw.Baseline, lacking: Table) -> None:
    """A table without the column, or with nothing in it, is compared as a whole."""
    table = make_table(1, 500)
    del table["country"]
    report = mw.compare(by_country, table | lacking)
    assert report.segments == {}
    assert report.features["country"].severity == "drift"


def test_rows_without_a_segment_are_among_the_others(by_country: mw.Baseline) -> None:
    """They are not lost: all segments together are all rows."""
    table = make_table(1, 500)
    table["country"][:100] = [None] * 100
    parts = split_profile(table, baseline=by_country).segments
    assert parts[OTHER].rows == 100
    assert sum(part.rows for part in parts.values()) == 500


def test_the_rest_is_one_segment() -> None:
    """Of many segments the 20 most frequent are told apart; those that come late are others."""
    rng = np.random.default_rng(0)
    names = [f"s{min(int(number), 300)}" for number in rng.zipf(1.3, 20_000)]
    baseline = fit({"x": rng.normal(size=20_000), "who": names}, segment="who", features=["x"])
    assert len(baseline.segments) == MAX_SEGMENTS + 1
    assert list(baseline.segments)[-1] == OTHER
    assert sum(profile.rows for profile in baseline.segments.values()) == 20_000
    assert baseline.segments["s1"].rows == names.count("s1")


def test_no_more_segments_are_held_than_the_limit() -> None:
    """A column of identifiers costs a hundred profiles, not one a row."""
    codes = SegmentCodes()
    found = codes.of([f"id{place}" for place in range(5_000)])
    assert found.max() == MAX_HELD
    assert (found == 0).sum() == 5_000 - MAX_HELD


def test_a_segment_is_named_by_its_value_whatever_its_type() -> None:
    """Numbers, booleans and texts name segments by the text that categories have."""
    values = {"x": np.arange(400.0)}
    for who, names in (([1.0, 2.0] * 200, {"1", "2"}), ([True, False] * 200, {"true", "false"})):
        assert set(fit(values | {"who": who}, segment="who", features=["x"]).segments) == names


def test_a_segment_may_be_an_input_or_none(data: Table) -> None:
    """Like any other column it is an input, unless the features leave it out."""
    assert "country" in fit(data, segment="country").inputs
    baseline = fit(data, segment="country", features=["age"])
    assert baseline.inputs == ("age",)
    assert baseline.other_columns == ("country",)
    assert mw.compare(baseline, data).unexpected == (
        "income", "mobile", "predicted", "score", "visits",
    )  # fmt: skip


def test_a_segment_column_that_is_not_there_is_named(data: Table) -> None:
    """The error names the column, and what it may have been meant to be."""
    with pytest.raises(SchemaError, match=r"'contry', named as segment.+'country'"):
        fit(data, segment="contry")


def test_streams_have_the_segments_of_their_rows(data: Table, by_country: mw.Baseline) -> None:
    """Frames one after the other give the same segments as all rows at once."""
    frame = pl.DataFrame(data, strict=False)

    def frames() -> Iterator[pl.DataFrame]:
        return frame.iter_slices(770)

    streamed = fit(frames, segment="country", prediction="predicted", score="score")
    for name, profile in streamed.segments.items():
        assert_alike(profile, by_country.segments[name])
    for name, feature in streamed.features.items():
        spread, twin = feature.segment_spread, by_country.features[name].segment_spread
        assert spread is not None
        assert twin is not None
        assert spread.values.cells.phi == pytest.approx(twin.values.cells.phi, rel=1e-9)


def test_categories_of_one_row_are_counted_where_they_are() -> None:
    """New categories are to be expected in a segment as often as it had such of one row."""
    rng = np.random.default_rng(0)
    who = rng.choice(["a", "b"], 2_000).tolist()
    word = [f"w{place}" if who[place] == "a" and place % 10 == 0 else "w" for place in range(2_000)]
    baseline = fit({"word": word, "who": who}, segment="who", features=["word"])
    rates = {
        name: profile.features["word"].outliers["unseen_category"]
        for name, profile in baseline.segments.items()
    }
    assert rates == {"a": sum(name != "w" for name in word), "b": 0}


def test_a_segments_baseline_is_of_its_own_rows(data: Table, by_country: mw.Baseline) -> None:
    """Bins, limits and importances are the whole's; counts, cells and rows the segment's."""
    part = by_country.of_segment("fr")
    profile = by_country.segments["fr"]
    assert (part.rows, part.segment, part.segments) == (profile.rows, None, {})
    assert part.profile is profile
    for name, feature in part.features.items():
        whole = by_country.features[name]
        assert feature.limits is whole.limits
        assert feature.bin_edges is whole.bin_edges
        if feature.cells is not None:
            assert sum(feature.cell_counts) == profile.features[name].observed
    mobile = [
        mobile for mobile, who in zip(data["mobile"], data["country"], strict=True) if who == "fr"
    ]
    cells = dict(
        zip(part.features["mobile"].cells or (), part.features["mobile"].cell_counts, strict=False)
    )
    assert cells == {"true": sum(mobile), "false": len(mobile) - sum(mobile)}


def test_a_segment_that_is_not_there_is_named(by_country: mw.Baseline) -> None:
    """The error names it and those that are there."""
    with pytest.raises(SchemaError, match=r"no segment 'nl'.+'de', 'fr', 'us'"):
        by_country.of_segment("nl")


def profile_of(rows: int, segment: str | None = None) -> Profile:
    """Return a profile of so many rows."""
    profile = Profile("churn", "3", segment=segment)
    profile.rows = rows
    return profile


def test_the_most_frequent_are_kept_and_all_rows_counted() -> None:
    """Twenty stay, the rest are added up with what was of no segment; nothing given is changed."""
    given = {f"s{place}": profile_of(place, f"s{place}") for place in range(1, 31)}
    given[OTHER] = profile_of(7, OTHER)
    kept = most_frequent(given)
    assert list(kept) == [*(f"s{place}" for place in range(30, 10, -1)), OTHER]
    assert kept[OTHER].rows == sum(range(1, 11)) + 7
    assert given["s1"].segment == "s1"
    assert most_frequent({}) == {}


def test_what_the_baseline_does_not_name_is_among_its_others_or_new() -> None:
    """Where the baseline has others, they hold it; where it named all, it is new."""
    given = {name: profile_of(rows, name) for name, rows in (("a", 5), ("x", 3), ("y", 2))}
    others = arranged(given, ["a", "b", OTHER])
    assert {name: part.rows for name, part in others.items()} == {"a": 5, OTHER: 5}
    new = arranged(given, ["a", "b"])
    assert {name: part.rows for name, part in new.items()} == {"a": 5, "x": 3, "y": 2}
