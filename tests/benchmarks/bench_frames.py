"""How fast frames are summarised: million values a second, against floors of the same run.

Run as ``python tests/benchmarks/bench_frames.py``. A million rows of ten floats come as a pandas or
polars frame or an array and are read (which copies them, as the watched function may write to them)
and folded into a profile on a baseline's bins; the floor is `numpy.sort` of copies of the same
columns. A million texts of fifty distinct ones come as a pandas column; the floor is pandas' own
`factorize`. Frames of 1 and 32 rows and 20 mixed columns are read and folded too; their floors are
``to_numpy(dtype=object)`` and what the frame's library takes to give its values as lists. All cases
are measured in turn, several times over; medians are given.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

import modelwatch as mw
from modelwatch.capture.rows import Batch, RowReader

ROWS, COLUMNS = 1_000_000, 10
TEXTS = 50
ROUNDS = 5
SMALL_ROUNDS = 200
SMALL_SIZES = (1, 32)
TARGET = "50 M values/s"

Call = Callable[[], object]


def large_frame(rows: int) -> pd.DataFrame:
    """Return seeded floats."""
    values = np.random.default_rng(7).normal(size=(rows, COLUMNS))
    return pd.DataFrame(values, columns=[f"float_{i}" for i in range(COLUMNS)])


def text_frame(rows: int) -> pd.DataFrame:
    """Return one column of texts."""
    words = [f"category {i}" for i in range(TEXTS)]
    return pd.DataFrame({"text": np.random.default_rng(7).choice(words, size=rows)})


def small_frame(rows: int) -> pd.DataFrame:
    """Return ten columns of floats, four of integers, two of booleans and four of texts."""
    random = np.random.default_rng(7)
    columns: dict[str, Any] = {f"float_{i}": random.normal(size=rows) for i in range(10)}
    columns |= {f"integer_{i}": random.poisson(20, size=rows) for i in range(4)}
    columns |= {f"flag_{i}": random.random(rows) < 0.5 for i in range(2)}
    columns |= {f"text_{i}": random.choice(["red", "green"], size=rows) for i in range(4)}
    return pd.DataFrame(columns)


def lists_of(frame: pl.DataFrame) -> list[list[Any]]:
    """Return the values of a frame's columns as Python objects."""
    return [column.to_list() for column in frame.get_columns()]


def medians(cases: Mapping[str, Call], rounds: int) -> dict[str, float]:
    """Return the median seconds of each case, all measured in turn."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, call in cases.items():
            started = perf_counter()
            call()
            taken[name].append(perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


class Summarising:
    """Reads frames and folds them into a profile on a baseline's bins.

    Args:
        training: what the baseline is fitted on.
    """

    def __init__(self, training: pd.DataFrame) -> None:
        self.baseline = mw.Baseline.fit(training, model="bench", version="1")
        self._reader = RowReader(self.baseline.inputs)

    def read(self, data: object) -> Batch:
        """Read a frame, as on the caller's thread; a single row as the fold would have it."""
        found = self._reader.read(data)
        return found if isinstance(found, Batch) else self._reader.batch([found])

    def whole(self, data: object) -> Call:
        """Return what reads a frame and folds it."""

        def call() -> None:
            profile = mw.Profile.empty("bench", "1", baseline=self.baseline)
            profile.update(self.read(data).columns)

        return call


def large_figures() -> list[tuple[str, str, str]]:
    """Return million values a second of frames of floats."""
    frame = large_frame(ROWS)
    columns = [np.ascontiguousarray(frame[name].to_numpy()) for name in frame]
    summarising = Summarising(frame[:20_000])
    forms = {"pandas": frame, "polars": pl.from_pandas(frame), "numpy": frame.to_numpy().copy()}
    cases: dict[str, Call] = {"floor": lambda: [np.sort(column) for column in columns]}
    for name, form in forms.items():
        cases[f"{name} frame of floats, read"] = partial(summarising.read, form)
        cases[f"{name} frame of floats, read and folded"] = summarising.whole(form)
    return _rates(cases, ROWS * COLUMNS, "np.sort", TARGET)


def text_figures() -> list[tuple[str, str, str]]:
    """Return million values a second of texts."""
    frame = text_frame(ROWS)
    summarising = Summarising(frame[:20_000])
    cases: dict[str, Call] = {
        "floor": lambda: frame["text"].factorize(),
        "pandas texts, read": lambda: summarising.read(frame),
        "pandas texts, read and folded": summarising.whole(frame),
    }
    return _rates(cases, ROWS, "pandas factorize", "the floor's speed")


def small_figures() -> list[tuple[str, str, str]]:
    """Return microseconds a frame and a row of small mixed frames."""
    training = small_frame(5_000)
    summarising = Summarising(training)
    found = []
    for rows in SMALL_SIZES:
        frame = small_frame(rows)
        polars = pl.from_pandas(frame)
        floors: dict[str, Call] = {
            "pandas": partial(frame.to_numpy, dtype=object),
            "polars": partial(lists_of, polars),
        }
        cases: dict[str, Call] = {f"{name} floor": call for name, call in floors.items()}
        for name, form in (("pandas", frame), ("polars", polars)):
            cases[f"{name} read"] = partial(summarising.read, form)
            cases[f"{name} read and folded"] = summarising.whole(form)
        seconds = medians(cases, SMALL_ROUNDS)
        for name in floors:
            for step in ("read", "read and folded"):
                taken = seconds[f"{name} {step}"]
                ratio = taken / seconds[f"{name} floor"]
                measured = (
                    f"{taken * 1e6:.0f} us, {taken / rows * 1e6:.1f} us a row, "
                    f"{ratio:.1f} x the library's own values"
                )
                found.append((f"{name} frame of {rows} x 20, {step}", "", measured))
    return found


def figures() -> list[tuple[str, str, str]]:
    """Return what was measured."""
    return [*large_figures(), *text_figures(), *small_figures()]


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:44} {target:18} {measured}")


def _rates(
    cases: Mapping[str, Call], values: int, floor: str, target: str
) -> list[tuple[str, str, str]]:
    seconds = medians(cases, ROUNDS)
    rates = {name: values / taken / 1e6 for name, taken in seconds.items()}
    own = rates.pop("floor")
    rows = [(f"{floor}, the floor", "", f"{own:.0f} M values/s")]
    for name, rate in rates.items():
        measured = f"{rate:.0f} M values/s, {rate / own:.2f} x the speed of {floor}"
        rows.append((name, target if name.endswith("folded") else "", measured))
    return rows


if __name__ == "__main__":
    main()
