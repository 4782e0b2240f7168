"""What a comparison costs, and how near it comes to the raw rows.

Run as ``python tests/benchmarks/bench_compare.py``. A frame of 10,000 rows with 24 numbers and 6
texts is compared with its baseline; the floor is sorting the numbers and counting the texts. All
cases are measured in turn in one run; the medians are given. Then frames and files of 1,000,000
such rows, the files each in a process of its own, whose largest resident memory is given.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import polars as pl
from pyarrow import parquet as pq
from scipy import stats

import modelwatch as mw

ROWS, NUMBERS, TEXTS = 10_000, 24, 6
ROUNDS = 15
LIMIT_SECONDS = 0.2
LARGE_ROWS, LARGE_ROUNDS = 1_000_000, 3
Row = tuple[str, str, str]

STREAMED = """
import re, sys, time
from pathlib import Path
import modelwatch as mw
# Not getrusage: its maximum begins with that of the process that started this one.
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
baseline = mw.Baseline.load(sys.argv[1])
before = peak()
started = time.perf_counter()
mw.compare(baseline, sys.argv[2])
print(time.perf_counter() - started, before, peak())
"""
"""Seconds of a comparison, and resident memory in MB before it and at most."""


def frame(seed: int, rows: int = ROWS, shift: float = 0.0) -> pd.DataFrame:
    """Return seeded columns: normal, log-normal and count numbers, and texts of six values."""
    rng = np.random.default_rng(seed)
    makers: list[Callable[[], np.ndarray]] = [
        lambda: rng.normal(shift, 1.0, rows),
        lambda: rng.lognormal(shift, 1.0, rows),
        lambda: rng.poisson(5 + shift, rows).astype(float),
    ]
    columns = {f"number_{i}": makers[i % 3]() for i in range(NUMBERS)}
    texts = {f"text_{i}": rng.choice(list("abcdef"), rows) for i in range(TEXTS)}
    return pd.DataFrame(columns | texts)


def floor(data: pd.DataFrame) -> None:
    """Do the least that any comparison of distributions has to."""
    for name in data:
        column = data[name]
        if str(name).startswith("number"):
            np.sort(column.to_numpy())
        else:
            Counter(column.tolist())


def seconds(call: Callable[[], object]) -> float:
    """Return what one call takes."""
    started = perf_counter()
    call()
    return perf_counter() - started


def accuracy(baseline: mw.Baseline, reference: pd.DataFrame, current: pd.DataFrame) -> float:
    """Return the largest error of the KS statistic against scipy's on the raw rows."""
    report = mw.compare(baseline, current)
    errors = []
    for name in (f"number_{i}" for i in range(NUMBERS)):
        expected = stats.ks_2samp(reference[name], current[name], method="asymp").statistic
        errors.append(abs((report.features[name].ks or 0.0) - float(expected)))
    return max(errors)


def small() -> list[Row]:
    """Compare 10,000 rows, beside the floor; and tell how exact the KS statistic is."""
    reference, current = frame(0, 50_000), frame(1, shift=0.2)
    baseline = mw.Baseline.fit(reference, model="bench", version="1")
    profile = mw.Profile.from_data(current, baseline=baseline)
    cases: dict[str, Callable[[], object]] = {
        "floor: sort and count": lambda: floor(current),
        "compare(baseline, frame)": lambda: mw.compare(baseline, current),
        "compare(baseline, profile)": lambda: mw.compare(baseline, profile),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, call in cases.items():
            taken[name].append(seconds(call))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    least = medians["floor: sort and count"]
    rows = [
        (
            f"{name}, {ROWS:,} x {NUMBERS + TEXTS}",
            f"{LIMIT_SECONDS * 1e3:g} ms" if name.endswith("frame)") else "-",
            f"{value * 1e3:.1f} ms, {value / least:.1f} x the floor",
        )
        for name, value in medians.items()
    ]
    error = accuracy(baseline, reference, current)
    return [*rows, ("KS statistic against the raw rows, largest error", "0.002", f"{error:.5f}")]


def wide() -> list[Row]:
    """Compare profiles of 100 features, of which none, ten or all moved."""
    rng = np.random.default_rng(2)

    def table(rows: int, moved: int) -> dict[str, np.ndarray]:
        columns = {f"number_{i}": rng.normal(float(i < moved), 1.0, rows) for i in range(80)}
        return columns | {f"text_{i}": rng.choice(list("abcdef"), rows) for i in range(20)}

    baseline = mw.Baseline.fit(table(20_000, 0), model="bench", version="1")
    found: list[Row] = []
    for moved in (0, 10, 80):
        profile = mw.Profile.from_data(table(5_000, moved), baseline=baseline)
        taken = [seconds(partial(mw.compare, baseline, profile)) for _ in range(ROUNDS)]
        middle = statistics.median(taken) * 1e3
        found.append((f"100 features from profiles, {moved} moved", "10 ms", f"{middle:.1f} ms"))
    return found


def large() -> list[Row]:
    """Compare 1,000,000 rows of each kind of frame, and fit on them."""
    baseline = mw.Baseline.fit(frame(0, 50_000), model="bench", version="1")
    pandas_frame = frame(1, LARGE_ROWS, 0.2)
    polars_frame = pl.from_pandas(pandas_frame)
    frames: dict[str, object] = {
        "pandas": pandas_frame,
        "pandas, texts as objects": pandas_frame.astype(
            {f"text_{i}": object for i in range(TEXTS)}
        ),
        "polars": polars_frame,
        "pyarrow": polars_frame.to_arrow(),
    }
    rows: list[Row] = []
    for name, data in frames.items():
        taken = min(seconds(partial(mw.compare, baseline, data)) for _ in range(LARGE_ROUNDS))
        rows.append((f"compare {LARGE_ROWS:,} x 30, {name}", "2 s", f"{taken:.2f} s"))
    taken = seconds(lambda: mw.Baseline.fit(pandas_frame, model="bench", version="1"))
    rows.append((f"Baseline.fit {LARGE_ROWS:,} x 30, pandas", "-", f"{taken:.1f} s"))
    return rows


def streamed() -> list[Row]:
    """Compare files in processes of their own: what they take, and what memory at most."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "baseline.json"
        mw.Baseline.fit(frame(0, 50_000), model="bench", version="1").save(saved)
        for name, parts in (("once.parquet", 1), ("four.parquet", 4), ("once.csv", 1)):
            path = Path(folder) / name
            write(path, parts)
            done = subprocess.run(
                [sys.executable, "-c", STREAMED, str(saved), str(path)],
                capture_output=True,
                check=True,
                text=True,
            )
            taken, before, peak = map(float, done.stdout.split())
            size = path.stat().st_size / 2**20
            rows.append(
                (
                    f"compare {parts * LARGE_ROWS:,} x 30, {path.suffix[1:]} file of {size:.0f} MB",
                    "2 s" if name == "once.parquet" else "-",
                    f"{taken:.2f} s; memory {before:.0f} MB before, {peak:.0f} MB at most",
                )
            )
    return rows


def write(path: Path, parts: int) -> None:
    """Write a file of so many times 1,000,000 rows."""
    if path.suffix == ".csv":
        pl.from_pandas(frame(1, LARGE_ROWS, 0.2)).write_csv(path)
        return
    tables = (pl.from_pandas(frame(seed, LARGE_ROWS, 0.2)).to_arrow() for seed in range(parts))
    first = next(tables)
    with pq.ParquetWriter(path, first.schema) as sink:
        for table in chain([first], tables):
            sink.write_table(table)


def figures() -> list[Row]:
    """Return what was measured, with the target: seconds of the best round, and memory."""
    return [*small(), *wide(), *large(), *streamed()]


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:62} {target:>8}  {measured}")


if __name__ == "__main__":
    main()
