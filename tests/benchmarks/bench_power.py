"""How many shifted features a comparison finds, against two-sample KS on the raw rows.

Run as ``python tests/benchmarks/bench_power.py``. Of 30 features, half of them normal and half
log-normal, 10 are shifted by .1 to .5 sd (of the logarithm); rows are independent. Ours: q-value of
at most .01. The raw test: Benjamini-Hochberg over the 30 exact p-values, at the level at which it
calls as many unshifted features shifted as ours does, over all cases together; and, beside it, at
the nominal level. Fresh windows throughout, and a fresh reference every few windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

import modelwatch as mw

FloatArray = npt.NDArray[np.float64]

FEATURES, SHIFTED = 30, 10
SHIFTS = (0.1, 0.2, 0.3, 0.4, 0.5)
WINDOWS = (200, 1_000, 10_000)
REFERENCES = (10_000, 50_000)
REFITS, WINDOWS_A_REFERENCE = 4, 8
LEVEL = 0.01
TARGET = 0.98
UNDECIDED = (0.05, 0.95)
"""Share of features found by the raw test in the cases where power can differ at all."""

MOVED = np.arange(FEATURES) % 3 == 0
LOG_NORMAL = np.arange(FEATURES) % 2 == 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """p-values of all windows of one shift, window size and reference size.

    Attributes:
        shift: of the moved features, in sd.
        window: rows of a window.
        reference: rows of the reference.
        ours: q-values, windows x features.
        raw: p-values of the raw test, windows x features.
    """

    shift: float
    window: int
    reference: int
    ours: FloatArray
    raw: FloatArray


def drawn(rng: np.random.Generator, rows: int) -> FloatArray:
    """Return independent N(0, 1), features x rows."""
    return rng.normal(size=(FEATURES, rows))


def table(values: FloatArray) -> dict[str, FloatArray]:
    """Name the features, and make every other one log-normal."""
    return {
        f"feature_{i:02}": np.exp(row) if LOG_NORMAL[i] else row for i, row in enumerate(values)
    }


def raw_p_value(reference: FloatArray, current: FloatArray) -> float:
    """Return what `scipy.stats.ks_2samp(method="asymp")` does, from two sorted samples.

    Sorting the reference once is what makes thousands of tests affordable. The logarithm of a
    feature has the same KS statistic as the feature.

    >>> x, y = (np.sort(np.random.default_rng(seed).normal(size=100 * seed)) for seed in (2, 3))
    >>> bool(np.isclose(raw_p_value(x, y), stats.ks_2samp(x, y, method="asymp").pvalue))
    True
    """
    n, m = len(reference), len(current)
    above = np.arange(1, m + 1) / m - np.searchsorted(reference, current, side="right") / n
    below = np.searchsorted(reference, current, side="left") / n - np.arange(m) / m
    statistic = max(float(above.max()), float(below.max()))
    return float(stats.kstwo.sf(statistic, round(n * m / (n + m))))


def raw_p_values(reference: FloatArray, current: FloatArray) -> FloatArray:
    """Return the p-value of each feature; the reference is sorted."""
    ordered = np.sort(current, axis=1)
    return np.array([raw_p_value(*pair) for pair in zip(reference, ordered, strict=True)])


def q_values(baseline: mw.Baseline, current: FloatArray) -> FloatArray:
    """Return ours of each feature."""
    findings = mw.compare(baseline, table(current)).features
    found = [findings[name].q_value for name in sorted(findings)]
    return np.array([1.0 if q is None else q for q in found])


def adjusted(p_values: FloatArray) -> FloatArray:
    """Adjust each window's p-values by Benjamini-Hochberg."""
    return np.array([stats.false_discovery_control(row) for row in p_values])


def measure(refits: int = REFITS) -> list[Case]:
    """Compare every window with every reference, by both tests."""
    rng = np.random.default_rng(31)
    found: dict[tuple[float, int, int], list[tuple[FloatArray, FloatArray]]] = {}
    for reference_rows in REFERENCES:
        for _ in range(refits):
            reference = drawn(rng, reference_rows)
            baseline = mw.Baseline.fit(table(reference), model="bench", version="1")
            reference.sort(axis=1)
            for key, pair in _windows(rng, baseline, reference):
                found.setdefault((*key, reference_rows), []).append(pair)
    return [
        Case(
            shift=shift,
            window=window,
            reference=rows,
            ours=np.array([ours for ours, _ in pairs]),
            raw=adjusted(np.array([raw for _, raw in pairs])),
        )
        for (shift, window, rows), pairs in sorted(found.items())
    ]


def _windows(
    rng: np.random.Generator, baseline: mw.Baseline, reference: FloatArray
) -> Iterator[tuple[tuple[float, int], tuple[FloatArray, FloatArray]]]:
    """Yield the q-values of ours and the p-values of the raw test for fresh windows."""
    for window in WINDOWS:
        for _ in range(WINDOWS_A_REFERENCE):
            unmoved = drawn(rng, window)
            raw = raw_p_values(reference, unmoved)
            for shift in SHIFTS:
                current = unmoved + shift * MOVED[:, None]
                raw[MOVED] = raw_p_values(reference[MOVED], current[MOVED])
                yield (shift, window), (q_values(baseline, current), raw.copy())


def matched_level(cases: list[Case]) -> float:
    """Return the level at which the raw test has as many false findings as ours has."""
    false = sum(int((case.ours[:, ~MOVED] <= LEVEL).sum()) for case in cases)
    ordered = np.sort(np.concatenate([case.raw[:, ~MOVED].ravel() for case in cases]))
    return float(ordered[false - 1 : false + 1].mean()) if false else float(ordered[0] / 2)


def share_found(values: FloatArray, level: float, features: npt.NDArray[np.bool_]) -> float:
    """Return the share of the features that are found at the level."""
    return float((values[:, features] <= level).mean())


def ratio(cases: list[Case], level: float) -> str:
    """Return how much of the raw test's power ours has, over all cases."""
    ours = sum(share_found(case.ours, LEVEL, MOVED) for case in cases)
    raw = sum(share_found(case.raw, level, MOVED) for case in cases)
    return f"{ours / raw:.1%}" if raw else "nothing to find"


def figures() -> list[tuple[str, str, str]]:
    """Return power and false alarms, all together and by the window."""
    cases = measure()
    level = matched_level(cases)
    low, high = UNDECIDED
    undecided = [c for c in cases if low <= share_found(c.raw, level, MOVED) <= high]
    target = f"at least {TARGET:.0%}"
    false = [
        float(np.mean([share_found(v, a, ~MOVED) for v in values]))
        for values, a in (([c.ours for c in cases], LEVEL), ([c.raw for c in cases], LEVEL))
    ]
    rows = [
        ("power against raw KS at equal false alarms, all cases", target, ratio(cases, level)),
        ("the same, cases where raw KS finds 5 to 95%", target, ratio(undecided, level)),
        ("power against raw KS, both at q <= .01, all cases", "", ratio(cases, LEVEL)),
        (
            "false findings among unshifted features, ours / raw KS, both at q <= .01",
            "",
            f"{false[0]:.2%} / {false[1]:.2%}",
        ),
    ]
    for case in undecided:
        name = f"found at {case.shift:g} sd, window {case.window:,}, reference {case.reference:,}"
        shares = share_found(case.ours, LEVEL, MOVED), share_found(case.raw, level, MOVED)
        rows.append((f"{name}, ours / raw KS", "", "{:.1%} / {:.1%}".format(*shares)))
    return rows


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:75} {target:14} {measured}")


if __name__ == "__main__":
    main()
