"""Each segment is judged on its own, and the one that explains a drift is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import modelwatch as mw
from modelwatch.comparing.segments import contributions
from modelwatch.comparisons.psi import psi
from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport
from modelwatch.segments import OTHER, split_profile

Table = dict[str, Any]
SHARES = [0.4, 0.3, 0.2, 0.1]
WHO = ["a", "b", "c", "d"]
KEPT = ("x", "y", "word")


def traffic(seed: int, rows: int, names: list[str] = WHO, shares: list[float] = SHARES) -> Table:
    """Return rows of segments that differ in x and in words."""
    rng = np.random.default_rng(seed)
    who = rng.choice(len(names), rows, p=shares)
    words = np.array(["red", "green", "blue"])
    return {
        "x": rng.normal(size=rows) + who / 2,
        "y": rng.normal(size=rows),
        "word": words[(rng.random(rows) * (2 + who % 2)).astype(int)].tolist(),
        "who": [names[place] for place in who],
    }


def where(data: Table, name: str) -> npt.NDArray[np.bool_]:
    """Return which rows are of a segment."""
    return np.array([who == name for who in data["who"]])


@pytest.fixture(scope="module")
def baseline() -> mw.Baseline:
    """A baseline of 20,000 rows of four segments."""
    return mw.Baseline.fit(traffic(0, 20_000), model="m", version="1", features=KEPT, segment="who")


TABLES = arrays.arrays(np.int64, (3, 4), elements=st.integers(1, 500))


@given(TABLES, TABLES)
def test_contributions_sum_to_the_index(
    before: npt.NDArray[np.int64], now: npt.NDArray[np.int64]
) -> None:
    """Where no cell is empty, all segments together make the index without smoothing, to 1e-9."""
    found = contributions(before, now)
    whole = psi(before.sum(axis=0), now.sum(axis=0), smoothing=0)
    assert found.sum() == pytest.approx(whole, abs=1e-9)


def test_a_contribution_is_the_direct_formula() -> None:
    """Shares of cells within segments, weighted by the segments' shares of rows."""
    rng = np.random.default_rng(0)
    before, now = rng.integers(1, 90, (2, 3, 5))
    p, q = before.sum(axis=0) / before.sum(), now.sum(axis=0) / now.sum()
    for place, found in enumerate(contributions(before, now)):
        v, w = before[place].sum() / before.sum(), now[place].sum() / now.sum()
        own = w * now[place] / now[place].sum() - v * before[place] / before[place].sum()
        assert found == pytest.approx(float((own * np.log(q / p)).sum()), rel=1e-12)


def test_contributions_are_finite_where_cells_or_sides_are_empty() -> None:
    """An empty cell on one side counts as half a row; without rows there is nothing to tell."""
    assert np.isfinite(contributions([[5, 0], [3, 0]], [[0, 4], [2, 2]])).all()
    assert contributions([[0, 0]], [[1, 2]]).tolist() == [0.0]
    assert contributions(np.zeros((0, 3)), np.zeros((0, 3))).size == 0


def _scaled(data: Table, rows: npt.NDArray[np.bool_]) -> None:
    data["x"] = np.where(rows, data["x"] * 3 + 4, data["x"])


def _gone(data: Table, rows: npt.NDArray[np.bool_]) -> None:
    data["x"] = np.where(rows, np.nan, data["x"])


def _flooded(data: Table, rows: npt.NDArray[np.bool_]) -> None:
    data["x"] = np.where(rows, -9999.0, data["x"])


@pytest.mark.parametrize("name", ["a", "b", "c"])
@pytest.mark.parametrize("break_", [_scaled, _gone, _flooded])
def test_the_segment_that_is_broken_is_named(
    baseline: mw.Baseline, name: str, break_: Callable[[Table, npt.NDArray[np.bool_]], None]
) -> None:
    """Values, missing share or outlier share: the whole's finding names it, and by how much."""
    data = traffic(1, 4_000)
    break_(data, where(data, name))
    report = mw.compare(baseline, data)
    found = report.features["x"]
    assert found.severity in ("warning", "drift")
    assert found.segment == name
    said = re.search(r"; (\d+)% of it in segment '(\w)'$", found.diagnosis or "")
    assert said is not None
    assert said.group(2) == name
    assert 75 <= int(said.group(1)) <= 100
    assert report.features["y"].segment is None
    severities = {part: one.features["x"].severity for part, one in report.segments.items()}
    assert severities == {part: "drift" if part == name else "none" for part in WHO}


def test_no_segment_is_named_where_all_drift_evenly(baseline: mw.Baseline) -> None:
    """Though the largest segment has nearly half of the rows."""
    data = traffic(1, 4_000)
    data["x"] = data["x"] + 2
    found = mw.compare(baseline, data).features["x"]
    assert (found.severity, found.segment) == ("drift", None)
    assert "segment" not in (found.diagnosis or "")


def test_the_segment_that_became_more_frequent_is_named(baseline: mw.Baseline) -> None:
    """A change of the mix moves the whole, and no segment on its own."""
    report = mw.compare(baseline, traffic(1, 4_000, shares=[0.16, 0.12, 0.08, 0.64]))
    assert report.features["x"].segment == "d"
    assert {one.features["x"].severity for one in report.segments.values()} == {"none"}


def test_a_segment_against_its_own_rows(baseline: mw.Baseline) -> None:
    """Its report is the comparison of its rows with its own baseline."""
    data = traffic(2, 3_000)
    found = mw.compare(baseline, data).segments["b"]
    rows = {name: np.array(values)[where(data, "b")] for name, values in data.items()}
    alone = mw.compare(baseline.of_segment("b"), rows)
    assert found.features["x"].psi == pytest.approx(alone.features["x"].psi or 0, rel=1e-12)
    assert found.rows == alone.rows
    assert found.baseline_id == baseline.id
    assert found.note is None


def test_a_segment_that_is_gone_is_insufficient_data(baseline: mw.Baseline) -> None:
    """It is listed with no rows, not left out."""
    data = traffic(1, 4_000, names=["a", "b", "c"], shares=[0.5, 0.3, 0.2])
    gone = mw.compare(baseline, data).segments["d"]
    assert (gone.rows, gone.severity) == (0, "insufficient_data")


def test_a_new_segment_is_compared_with_the_whole_and_that_said(baseline: mw.Baseline) -> None:
    """It has no rows of its own in the baseline."""
    report = mw.compare(baseline, traffic(1, 4_000, names=["a", "b", "c", "new"]))
    new = report.segments["new"]
    assert new.rows > 300
    assert "no such segment" in (new.note or "")
    assert new.baseline is baseline
    again = DriftReport.from_dict(report.to_dict())
    assert again.segments["new"].note == new.note


def test_profiles_are_split_as_they_are_given(baseline: mw.Baseline) -> None:
    """The whole and its segments as profiles give what the table gives."""
    data = traffic(3, 3_000)
    data["x"] = np.where(where(data, "b"), 9.0, data["x"])
    whole, parts = split_profile(data, baseline=baseline)
    assert mw.compare(baseline, whole, segments=parts).to_dict() == (
        mw.compare(baseline, data).to_dict()
    )
    assert mw.compare(baseline, whole).segments == {}


def test_segments_without_any_in_the_baseline_are_new(baseline: mw.Baseline) -> None:
    """Profiles of segments can be compared with a baseline that was fitted without."""
    plain = mw.Baseline.fit(traffic(0, 5_000), model="m", version="1", features=KEPT)
    whole, parts = split_profile(traffic(1, 2_000), baseline=baseline)
    report = mw.compare(plain, whole, segments=parts)
    assert set(report.segments) == set(WHO)
    assert all(one.note for one in report.segments.values())


def test_more_segments_than_can_be_told_apart_are_the_others(baseline: mw.Baseline) -> None:
    """Whoever sends profiles decides not how many comparisons there are."""
    parts = {}
    for place in range(200):
        parts[f"s{place}"] = Profile("m", "1", segment=f"s{place}")
        parts[f"s{place}"].rows = place
    found = mw.compare(baseline, Profile("m", "1"), segments=parts).segments
    assert len(found) == 4 + 21
    assert found[OTHER].rows == sum(range(180))


def test_segments_of_another_model_are_refused(baseline: mw.Baseline) -> None:
    """As a profile of another model is."""
    with pytest.raises(ProfileMismatch, match="version"):
        mw.compare(baseline, Profile("m", "1"), segments={"a": Profile("m", "2")})


def test_segments_beside_a_table_are_refused(baseline: mw.Baseline) -> None:
    """A table's own column tells them."""
    with pytest.raises(ConfigurationError, match="leave segments out"):
        mw.compare(baseline, traffic(1, 100), segments={})


def _levels(kind: str, rng: np.random.Generator, who: npt.NDArray[np.intp]) -> Any:
    """Return a level for each row: one a day for all, or for each segment one of its own."""
    day = np.arange(who.size) // 500
    if kind == "independent":
        return 0.0
    if kind == "common days":
        return rng.normal(0, 0.5, day.max() + 1)[day]
    return rng.normal(0, 0.5, (day.max() + 1, who.max() + 1))[day, who]


@pytest.mark.parametrize("kind", ["independent", "common days", "days of each segment"])
def test_segments_raise_no_false_alarms(kind: str) -> None:
    """Of 12 segments and 4 features in 25 undrifted windows, none drifts, nor does the whole."""
    rng = np.random.default_rng(1)
    weights = 1 / np.arange(1, 13)

    def window(rows: int) -> Table:
        who = rng.choice(12, rows, p=weights / weights.sum())
        table = {f"x{n}": rng.normal(who % 3, 1) + _levels(kind, rng, who) for n in range(4)}
        return table | {"who": [f"s{place}" for place in who]}

    baseline = mw.Baseline.fit(
        window(40_000), model="m", version="1", features=["x0", "x1", "x2", "x3"], segment="who"
    )
    for _ in range(25):
        report = mw.compare(baseline, window(3_000))
        assert not report.drifted
        assert [name for name, one in report.segments.items() if one.drifted] == []


def test_what_is_harmless_for_the_model_is_so_in_its_segments(baseline: mw.Baseline) -> None:
    """A segment's baseline has the importances of the whole."""
    weights = {"x": 0.001, "y": 1.0}
    weighted = mw.Baseline.fit(
        traffic(0, 8_000), model="m", version="1", features=KEPT, segment="who", importances=weights
    )
    data = traffic(1, 4_000)
    _scaled(data, where(data, "a"))
    report = mw.compare(weighted, data)
    assert report.verdict == "drifted, harmless"
    assert report.segments["a"].verdict == "drifted, harmless"
