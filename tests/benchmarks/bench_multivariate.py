"""How often the statistics of several features together err, what they find and what they cost.

Run as ``python tests/benchmarks/bench_multivariate.py``. Ten features; windows follow a reference
of 50,000 rows on the same path, several references a case, as windows of one reference share its
errors. Given are the shares of undrifted windows with p < 5% and p < 1%, the share of windows in
which a changed correlation is found at 1%, and the least time of several rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np

from modelwatch.comparisons.correlation import correlation_drift
from modelwatch.comparisons.joint_effect import JointEffect, fit_joint_effect
from modelwatch.comparisons.joint_reference import JointReference
from modelwatch.sketches import JointMoments
from tests.comparisons.row_streams import (
    STATISTICS,
    Draw,
    autoregressive,
    cycle,
    exponential,
    independent,
    levels,
    log_normal,
    log_normal_together,
    moments,
    names,
    p_values,
    reference_of,
    student,
    student_together,
)

Figure = tuple[str, str, str]

REFERENCE_ROWS = 50_000
WINDOWS = {200: (25, 24), 1_000: (25, 24), 10_000: (5, 40)}
"""Rows of a window: the windows of a reference, and the references."""
CLUSTERED = "5% +- 2.5, at most 2.5%"
ALONE = "5% +- 1.5, 1% +- .5"
STREAMS: tuple[tuple[str, Draw, str], ...] = (
    ("independent rows", independent, ALONE),
    ("AR(1) .9", autoregressive(0.9), CLUSTERED),
    ("AR(1) .99", autoregressive(0.99), CLUSTERED),
    ("a level per 500 rows, .3 sd", levels, CLUSTERED),
    ("daily cycle, .5 sd", cycle, "at most 7.5%, 2.5%"),
)
LAWS: tuple[tuple[str, Draw], ...] = (
    ("log-normal", log_normal),
    ("exponential", exponential),
    ("Student, 5", student),
    ("log-normal, correlated", log_normal_together),
    ("Student, 5, one scale", student_together),
)
ROUNDS = 7


def false_alarms(name: str, draw: Draw, target: str, rows: int) -> list[Figure]:
    """Measure all statistics on one stream and window size."""
    windows, references = WINDOWS[rows]
    found = p_values(
        draw,
        rows,
        reference_rows=REFERENCE_ROWS,
        window_rows=rows,
        windows=windows,
        references=references,
    )
    return [
        (
            f"{statistic}: false alarms, {name}, windows of {rows:,}",
            target,
            f"{np.mean(chances < 0.05):.1%}, {np.mean(chances < 0.01):.1%}",
        )
        for statistic, chances in found.items()
    ]


def found_correlations(change: float, rows: int, windows: int = 300) -> Figure:
    """Measure how often a changed correlation of one pair is found."""
    rng = np.random.default_rng(7)
    reference = independent(rng, REFERENCE_ROWS, 10)
    effect, prepared = fit_joint_effect(reference, names(10)), reference_of(reference)
    caught = 0
    for _ in range(windows):
        window = independent(rng, rows, 10)
        window[:, 1] = change * window[:, 0] + np.sqrt(1 - change**2) * window[:, 1]
        chance = correlation_drift(prepared, moments(window), effect).p_value
        caught += chance is not None and chance < 0.01
    target = "99%" if (change, rows) == (0.3, 1_000) else "none set"
    return (
        f"correlation: changes of {change} found, windows of {rows:,}",
        target,
        (f"{caught / windows:.1%}"),
    )


def least_seconds(call: Callable[[], object]) -> float:
    """Return the least that a call takes."""
    taken = []
    for _ in range(ROUNDS):
        started = perf_counter()
        call()
        taken.append(perf_counter() - started)
    return min(taken)


def compare(reference: JointReference, current: JointMoments, effect: JointEffect) -> None:
    """Take all four statistics."""
    for judge in STATISTICS.values():
        judge(reference, current, effect)


def costs() -> list[Figure]:
    """Measure what fitting and comparing take."""
    found: list[Figure] = []
    for features, fit_target, target in ((30, "300 ms", "1 ms"), (100, "none set", "6 ms")):
        rows = independent(np.random.default_rng(3), 100_000, features)
        effect = fit_joint_effect(rows, names(features))
        prepared, current = reference_of(rows), moments(rows[:10_000])

        fitting = least_seconds(partial(fit_joint_effect, rows, names(features)))
        comparing = least_seconds(partial(compare, prepared, current, effect))
        found += [
            (f"all four, {features} features", target, f"{comparing * 1e3:.2f} ms"),
            (f"fit, 100,000 x {features}", fit_target, f"{fitting * 1e3:.0f} ms"),
        ]
    return found


def figures() -> list[Figure]:
    """Measure all: what, target, measured."""
    found = costs()
    found += [found_correlations(*case) for case in ((0.3, 1_000), (0.15, 1_000), (0.3, 200))]
    for name, draw, target in STREAMS:
        for rows in WINDOWS:
            found += false_alarms(name, draw, target, rows)
    for name, draw in LAWS:
        for rows in (200, 1_000):
            found += false_alarms(name, draw, ALONE, rows)
    return found


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:72} {target:26} {measured}")


if __name__ == "__main__":
    main()
