"""How often a comparison raises an alarm where nothing changed.

Run as ``python tests/benchmarks/bench_false_alarms.py [--quick]``. A model of 30 features is
compared with windows that follow its reference in time and never overlap it: independent rows at
every ratio of sizes, and rows that depend on those before them. Given are the share of features
whose p-value is below 5% and 1%, and the share of windows with a feature called "drift". The
p-values of one window's features are independent; windows of one reference are not quite, so each
case has several references.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import signal

import modelwatch as mw

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], FloatArray]

FEATURES = 30
ROWS_A_DAY = 1_440
START = pd.Timestamp("2026-01-01", tz="UTC")
QUICK = 5
"""Windows are divided by it with --quick."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One stream.

    Attributes:
        name: what it is.
        draw: draws rows x features in time order.
        reference: rows of a reference.
        window: rows of a window.
        references: number of references, each on a path of its own.
        windows: number of windows after each reference.
        target: share of p-values below 5% and below 1%.
        has_times: whether the rows' times are given, a minute apart.
    """

    name: str
    draw: Draw
    reference: int
    window: int
    references: int
    windows: int
    target: str
    has_times: bool = False


def independent(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw independent N(0, 1)."""
    return rng.normal(size=(rows, FEATURES))


def autoregressive(coefficient: float) -> Draw:
    """Return what draws AR(1) of unit variance."""
    scale = np.sqrt(1 - coefficient**2)

    def draw(rng: np.random.Generator, rows: int) -> FloatArray:
        noise = rng.normal(size=(rows, FEATURES)) * scale
        noise[0] /= scale
        return np.asarray(signal.lfilter([1.0], [1.0, -coefficient], noise, axis=0))

    return draw


def random_level(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw N(0, 1) about a level that is drawn anew, with .3 sd, every 500 rows."""
    levels = rng.normal(scale=0.3, size=(rows // 500 + 1, FEATURES))
    return np.repeat(levels, 500, axis=0)[:rows] + rng.normal(size=(rows, FEATURES))


def daily_cycle(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw N(0, 1) about a sine of amplitude 1, of a period of a day and a phase a feature."""
    phase = np.arange(rows)[:, None] / ROWS_A_DAY + np.arange(FEATURES) / FEATURES
    return np.sin(2 * np.pi * phase) + rng.normal(size=(rows, FEATURES))


def cases() -> list[Case]:
    """Return the streams: 200 windows each, 1,000 where they also tell of verdicts."""
    grid = [
        Case(
            name=f"independent, reference {reference:,}, window {window:,}",
            draw=independent,
            reference=reference,
            window=window,
            references=5 if reference == 100_000 else 20,
            windows=40 if reference == 100_000 else 10,
            target="5% +- 1.5, 1% +- .5",
        )
        for reference in (1_000, 10_000, 100_000)
        for window in (100, 1_000, 10_000)
    ]
    dependent = [
        Case(
            name=f"{name}, reference {reference:,}, window 1,000",
            draw=draw,
            reference=reference,
            window=1_000,
            references=10,
            windows=100,
            target="5% +- 2.5, 1%: at most 2.5%",
            has_times=draw is daily_cycle,
        )
        for name, draw, reference in (
            ("AR(1) .9", autoregressive(0.9), 50_000),
            ("AR(1) .99", autoregressive(0.99), 50_000),
            ("level of .3 sd per 500 rows", random_level, 50_000),
            ("daily cycle of 1 sd", daily_cycle, 50 * ROWS_A_DAY),
        )
    ]
    verdicts = replace(grid[4], references=20, windows=50)
    return [*grid[:4], verdicts, *grid[5:], *dependent]


def table(values: FloatArray, case: Case, first_row: int) -> pd.DataFrame:
    """Name the features, and give the times where the case has them."""
    frame = pd.DataFrame(values, columns=[f"feature_{i}" for i in range(FEATURES)])
    if case.has_times:
        start = START + pd.Timedelta(minutes=first_row)
        frame["time"] = pd.date_range(start, periods=len(frame), freq="min")
    return frame


def reports(case: Case, seed: int) -> list[mw.DriftReport]:
    """Compare the windows that follow one reference with it."""
    rng = np.random.default_rng(seed)
    path = case.draw(rng, case.reference + case.windows * case.window)
    baseline = mw.Baseline.fit(
        table(path[: case.reference], case, 0),
        model="bench",
        version="1",
        timestamp="time" if case.has_times else None,
    )
    starts = range(case.reference, len(path), case.window)
    return [
        mw.compare(baseline, table(path[start : start + case.window], case, start))
        for start in starts
    ]


def measure(case: Case) -> tuple[str, str]:
    """Return the shares of the p-values, and of the windows with a verdict."""
    found = [report for seed in range(case.references) for report in reports(case, seed)]
    p_values = np.array(
        [
            1.0 if feature.p_value is None else feature.p_value
            for report in found
            for feature in report.features.values()
        ]
    )
    shares = ", ".join(f"{(p_values <= level).mean():.2%}" for level in (0.05, 0.01))
    drifted = sum(report.drifted for report in found)
    return shares, f"{drifted} of {len(found)}"


def figures(quick: int = 1) -> list[tuple[str, str, str]]:
    """Return two rows a stream; with quick above 1 that much fewer references."""
    rows = []
    for case in cases():
        shares, drifted = measure(replace(case, references=max(1, case.references // quick)))
        rows.append((f"{case.name}: p <= .05, p <= .01", case.target, shares))
        rows.append((f"{case.name}: windows called drift", "at most 1 in 1,000", drifted))
    return rows


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures(QUICK if "--quick" in sys.argv[1:] else 1):
        print(f"{what:72} {target:28} {measured}")


if __name__ == "__main__":
    main()
