"""What to expect of a feature, given when rows came."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.comparisons.value_effects import ValueEffects
from modelwatch.profile import Profile
from modelwatch.seasons import Seasons, hour_of_week, hours_of_week, season_of_hours
from modelwatch.sketches import Moments

DAY = 86_400
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC).timestamp()  # a Monday


def traffic(days: float, start: float, seed: int, *, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Return a row a minute of a feature with a daily cycle, one with a weekly one, and noise."""
    rng = np.random.default_rng(seed)
    times = start + 60.0 * np.arange(int(days * 1_440), dtype=np.float64)
    weekend = hours_of_week(times) // 24 >= 5
    return {
        "daily": rng.normal(np.sin(2 * np.pi * times / DAY) + shift),
        "weekly": rng.normal(2.0 * weekend),
        "plain": rng.normal(size=times.size),
        "kind": np.where(rng.random(times.size) < 0.2 + 0.6 * (times % DAY < DAY / 2), "a", "b"),
        "at": times,
    }


@pytest.fixture(scope="module")
def cyclic() -> mw.Baseline:
    """A baseline of six weeks."""
    return mw.Baseline.fit(traffic(42, START, 0), model="m", version="1", timestamp="at")


def test_hours_of_the_week_are_those_of_the_calendar() -> None:
    """Every hour of two weeks, against the standard library."""
    times = [dt.datetime(2026, 2, 23, tzinfo=dt.UTC) + dt.timedelta(hours=h) for h in range(336)]
    expected = [24 * time.weekday() + time.hour for time in times]
    seconds = np.array([time.timestamp() for time in times])
    assert hours_of_week(seconds).tolist() == expected
    start_ns = int(seconds[5]) * 10**9
    assert hour_of_week(start_ns, start_ns + 600 * 10**9) == expected[5]
    assert season_of_hours(np.array([25, 167]), "weekday").tolist() == [1, 6]


def test_cycles_are_found_where_there_are_some(cyclic: mw.Baseline) -> None:
    """Of the day, of the week, of categories too; none where there is none."""
    found = {name: f.seasons.kind if f.seasons else None for name, f in cyclic.features.items()}
    assert found == {"daily": "hour", "weekly": "weekday", "plain": None, "kind": "hour"}


def test_an_autocorrelated_feature_has_no_cycle() -> None:
    """A level that wanders is no cycle, however much the hours differ by chance."""
    rng = np.random.default_rng(4)
    table = {"x": np.cumsum(rng.normal(size=20_000)) / 50, "at": START + 60.0 * np.arange(20_000)}
    fitted = mw.Baseline.fit(table, model="m", version="1", timestamp="at")
    assert fitted.features["x"].seasons is None


def test_rows_are_compared_with_the_same_hours(cyclic: mw.Baseline) -> None:
    """Six hours of the morning are no drift, though they are nothing like the whole day."""
    window = traffic(0.25, START + 50 * DAY, 1)
    report = mw.compare(cyclic, window)
    assert report.severity == "none"
    assert report.features["daily"].season == "hour"
    assert abs(report.features["daily"].mean_shift or 0.0) < 0.2
    whole = np.mean(window["daily"]) - 0.0
    assert whole > 0.5  # far from the mean of a day


def test_drift_against_the_season_is_found(cyclic: mw.Baseline) -> None:
    """A shift within what the day covers anyway is drift where it comes at the wrong hour."""
    report = mw.compare(cyclic, traffic(0.5, START + 50 * DAY, 2, shift=1.0))
    assert report.features["daily"].severity == "drift"
    assert report.features["plain"].severity == "none"


def test_without_times_the_whole_baseline_is_the_reference(cyclic: mw.Baseline) -> None:
    """Nothing is expected of rows that came nobody knows when."""
    window = traffic(0.5, START + 50 * DAY, 3)
    del window["at"]
    assert mw.compare(cyclic, window).features["daily"].season is None


def test_windows_of_a_service_tell_their_hour_where_asked(cyclic: mw.Baseline) -> None:
    """By the clock the middle of each window says when its rows came; merging keeps it."""
    by_clock = mw.Baseline.fit(
        traffic(42, START, 0), model="m", version="1", timestamp="at", seasons="clock"
    )
    profiles = []
    for hour in (3, 15):
        table = traffic(1 / 24, START + 50 * DAY + hour * 3_600, hour)
        del table["at"]
        profile = Profile.from_data(table, baseline=by_clock)
        profile.start_ns = int(START + 50 * DAY + hour * 3_600) * 10**9
        profile.end_ns = profile.start_ns + 3_600 * 10**9
        profiles.append(profile)
    merged = profiles[0].merge(profiles[1])
    weekday = 50 % 7 * 24
    assert merged.came(by_clock=True) == {weekday + 3: 60, weekday + 15: 60}
    assert not merged.came(by_clock=False)
    assert mw.compare(by_clock, merged).features["daily"].season == "hour"
    assert mw.compare(cyclic, merged).features["daily"].season is None
    assert Profile.from_json(merged.to_json()).came(by_clock=True) == merged.came(by_clock=True)


def test_cycles_are_not_looked_for_where_not_asked() -> None:
    """Times that are no times of requests say nothing of the hours in which a model is asked."""
    plain = mw.Baseline.fit(
        traffic(42, START, 0), model="m", version="1", timestamp="at", seasons="none"
    )
    assert all(feature.seasons is None for feature in plain.features.values())
    with pytest.raises(mw.ModelwatchError, match="seasons"):
        mw.Baseline.fit(traffic(1, START, 0), model="m", version="1", seasons=cast(Any, "weekly"))


def test_seasons_survive_the_document(cyclic: mw.Baseline) -> None:
    """A baseline that was saved and loaded compares alike."""
    loaded = mw.Baseline.from_json(cyclic.to_json())
    assert loaded.id == cyclic.id
    window = traffic(0.25, START + 50 * DAY, 5)
    assert mw.compare(loaded, window).to_dict() == mw.compare(cyclic, window).to_dict()


def test_a_mixture_has_the_moments_of_its_rows() -> None:
    """Mean, variance and extremes of two seasons in equal shares are those of all their rows."""
    rng = np.random.default_rng(6)
    rows = [rng.normal(season, 1 + season, 1_000) for season in range(7)]
    moments = tuple(Moments() for _ in rows)
    for part, values in zip(moments, rows, strict=True):
        part.update(values)
    seasons = Seasons("weekday", np.full((7, 2), 500), moments, ValueEffects())
    expected = seasons.expect({0: 50, 24: 50})
    both = np.concatenate(rows[:2])
    assert expected is not None
    assert expected.moments is not None
    assert expected.counts.tolist() == [1_000, 1_000]
    assert expected.moments.mean == pytest.approx(both.mean())
    assert expected.moments.variance == pytest.approx(both.var(), rel=1e-3)
    assert (expected.moments.minimum, expected.moments.maximum) == (both.min(), both.max())


def test_seasons_that_the_baseline_lacks_are_not_expected() -> None:
    """With too many rows of an unknown season, or none that is known, nothing is expected."""
    counts = np.full((7, 2), 500)
    counts[6] = 0
    seasons = Seasons("weekday", counts, (), ValueEffects())
    assert seasons.expect({0: 50, 6 * 24: 50}) is None
    assert seasons.expect({}) is None
    assert seasons.expect({0: 99, 6 * 24: 1}) is not None
