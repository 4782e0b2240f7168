"""What a comparison costs, and how near it comes to the raw rows.

Run as ``python tests/benchmarks/bench_compare.py``. A frame of 10,000 rows with 24 numbers and 6
texts is compared with its baseline; the floor is sorting the numbers and counting the texts. All
cases are measured in turn in one run; the medians are given.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd
from scipy import stats

import modelwatch as mw

ROWS, NUMBERS, TEXTS = 10_000, 24, 6
ROUNDS = 15
LIMIT_SECONDS = 0.2


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


def main() -> None:
    """Measure and print."""
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
    for name, value in medians.items():
        print(f"{name:32} {value * 1e3:7.2f} ms {value / least:6.2f} x")
    found = medians["compare(baseline, frame)"]
    verdict = "within" if found <= LIMIT_SECONDS else "BEYOND"
    print(f"a comparison of {ROWS} rows is {verdict} the limit of {LIMIT_SECONDS * 1e3:g} ms")
    error = accuracy(baseline, reference, current)
    print(f"largest error of the KS statistic against the raw rows: {error:.5f}")


if __name__ == "__main__":
    main()
