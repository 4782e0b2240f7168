"""How soon each detector tells a change, how often it errs and what it costs, beside river's.

Run as ``python tests/benchmarks/bench_detectors.py``. All see the same streams of error indicators:
40 whose rate goes from 0.2 to 0.5 half-way, for the delay and for river's alarms and warnings, and
10 of a constant rate, for false alarms. Those that take any number also see normal values, whose
mean goes from 0 to 1 standard deviation. Costs are the least of several rounds, in turn with
river's, as the ratio is what a busy machine leaves comparable.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import river.drift
from scipy import stats

from modelwatch.detectors import ADWIN, CUSUM, DDM, EDDM, HDDM_A, HDDM_W, KSWIN, PageHinkley

drift: Any = river.drift

STREAMS, ROWS = 40, 10_000
QUIET_STREAMS, QUIET_ROWS = 10, 20_000
ROUNDS = 3
ADWIN_MICROSECONDS = 3.0
ADWIN_DELAY = 90.9  # river's, over the streams of 100 seeds

Figure = tuple[str, str, str]
Stream = list[float]


@dataclass(frozen=True, slots=True)
class Contender:
    """A detector, its mode that must agree with river's, river's own, and how much to time."""

    name: str
    ours: Callable[[], Any]
    agreeing: Callable[[], Any] | None = None
    theirs: Callable[[], Any] | None = None
    timed_values: int = 20_000


CONTENDERS = (
    Contender("ADWIN", ADWIN, lambda: ADWIN(compatibility="river"), drift.ADWIN),
    Contender("Page-Hinkley", PageHinkley, PageHinkley, drift.PageHinkley),
    Contender("CUSUM", CUSUM),
    Contender("DDM", DDM, DDM, drift.binary.DDM),
    Contender("EDDM", EDDM, EDDM, drift.binary.EDDM),
    Contender("HDDM_A", HDDM_A, HDDM_A, drift.binary.HDDMA),
    Contender("HDDM_W", HDDM_W, HDDM_W, drift.binary.HDDMW),
    Contender("KSWIN", KSWIN, None, lambda: drift.KSWIN(seed=1), timed_values=1_000),
)


def changing(seed: int) -> Stream:
    """Return error indicators whose rate goes from 0.2 to 0.5 half-way."""
    rng = np.random.default_rng(seed)
    halves = [rng.random(ROWS // 2) < rate for rate in (0.2, 0.5)]
    return [float(value) for value in np.concatenate(halves)]


def shifting(seed: int, shift: float = 1.0, rows: int = ROWS) -> Stream:
    """Return normal values whose mean goes from 0 to the shift half-way."""
    rng = np.random.default_rng(seed)
    halves = [rng.normal(mean, 1.0, rows // 2) for mean in (0.0, shift)]
    return [float(value) for value in np.concatenate(halves)]


def quiet(seed: int) -> Stream:
    """Return error indicators of a constant rate."""
    rng = np.random.default_rng(1_000 + seed)
    return [float(value) for value in rng.random(QUIET_ROWS) < 0.2]


def told(detector: Any, stream: Stream) -> tuple[list[int], list[int]]:
    """Return where a detector alarms, and where it only warns."""
    alarms, warnings = [], []
    for index, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(index)
        elif getattr(detector, "warning_detected", False):
            warnings.append(index)
    return alarms, warnings


def seconds(detector: Any, stream: Stream) -> float:
    """Return what the stream's updates take."""
    started = perf_counter()
    for value in stream:
        detector.update(value)
    return perf_counter() - started


def delay(make: Callable[[], Any], streams: list[Stream]) -> str:
    """Return the mean delay of the first alarm after the change, and the changes missed."""
    found = [told(make(), stream)[0] for stream in streams]
    after = [[index - ROWS // 2 for index in alarms if index >= ROWS // 2] for alarms in found]
    delays = [each[0] for each in after if each]
    mean = statistics.mean(delays) if delays else math.nan
    extra = sum(map(len, after)) / len(delays) - 1 if delays else math.nan
    missed = len(streams) - len(delays)
    return f"{mean:.1f} values, {missed} missed, {extra:.2f} further alarms"


def false_alarms(make: Callable[[], Any], streams: list[Stream]) -> float:
    """Return false alarms per 100,000 values."""
    return sum(len(told(make(), stream)[0]) for stream in streams) * 1e5 / sum(map(len, streams))


def cost(one: Contender, stream: Stream) -> str:
    """Return microseconds a value, and river's share of the same run."""
    stream = stream[: one.timed_values]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(one.ours(), stream) / len(stream) * 1e6)
        if one.theirs is not None:
            theirs.append(seconds(one.theirs(), stream) / len(stream) * 1e6)
    ratio = f", {min(ours) / min(theirs):.2f} x river's {min(theirs):.2f}" if theirs else ""
    return f"{min(ours):.2f} us{ratio}"


def agreement(one: Contender, streams: list[Stream]) -> str:
    """Return on how many streams each alarm and warning is river's."""
    if one.agreeing is None or one.theirs is None:
        return ""
    pairs = [(told(one.agreeing(), stream), told(one.theirs(), stream)) for stream in streams]
    return f"{sum(ours == theirs for ours, theirs in pairs)} of {len(pairs)}"


def kswin_agreement(rows: int = 200) -> str:
    """Return on how many streams each statistic and p-value is scipy's, given the same draws."""
    equal = 0
    for seed in range(STREAMS):
        rng, detector, same = np.random.default_rng(seed), KSWIN(alpha=1e-12, seed=seed), True
        values = np.random.default_rng(seed + 1).normal(size=rows)
        for end, value in enumerate(values, 1):
            detector.update(float(value))
            if end >= detector.window_size:
                older, newest = np.split(values[end - 100 : end], [70])
                drawn = older[rng.random(70).argsort()[:30]]
                expected = stats.ks_2samp(drawn, newest, method="exact")
                gap = abs(detector.statistic - expected.statistic)
                same &= bool(gap < 1e-12 and math.isclose(detector.p_value, expected.pvalue))
        equal += same
    return f"{equal} of {STREAMS}"


def figures_of(one: Contender, changes: list[Stream], quiets: list[Stream]) -> list[Figure]:
    """Measure one detector."""
    is_adwin = one.name == "ADWIN"
    theirs = "" if one.theirs is None or one.name == "KSWIN" else delay(one.theirs, changes)
    found: list[Figure] = [
        (
            f"{one.name}: mean delay, rate .2 to .5",
            f"{ADWIN_DELAY:g}" if is_adwin else f"river: {theirs}" if theirs else "none set",
            delay(one.ours, changes),
        ),
        (
            f"{one.name}: false alarms per 100,000 values",
            "0" if is_adwin else "none set",
            f"{false_alarms(one.ours, quiets):.1f}",
        ),
        (
            f"{one.name}: cost of a value",
            f"{ADWIN_MICROSECONDS:g} us" if is_adwin else "none set",
            cost(one, quiets[0]),
        ),
    ]
    if told_alike := agreement(one, changes):
        what = f"{one.name}: streams with river's alarms and warnings"
        found.append((what, f"{STREAMS} of {STREAMS}", told_alike))
    return found


def figures_on_numbers() -> list[Figure]:
    """Measure those that take any number, on normal values."""
    changes = [shifting(seed) for seed in range(STREAMS // 2)]
    quiets = [shifting(seed, 0.0, QUIET_ROWS) for seed in range(QUIET_STREAMS // 2)]
    found: list[Figure] = []
    for one in CONTENDERS:
        if one.ours().HIGHEST > 1.0:
            what = f"{one.name}: mean delay, shift of 1 sd"
            found.append((what, "none set", delay(one.ours, changes)))
            what = f"{one.name}: false alarms per 100,000 normal values"
            found.append((what, "none set", f"{false_alarms(one.ours, quiets):.1f}"))
    return found


def figures() -> list[Figure]:
    """Measure all: what, target, measured."""
    changes = [changing(seed) for seed in range(STREAMS)]
    quiets = [quiet(seed) for seed in range(QUIET_STREAMS)]
    found = [row for one in CONTENDERS for row in figures_of(one, changes, quiets)]
    what = "KSWIN: streams with scipy's statistics and p-values"
    found += figures_on_numbers()
    return [*found, (what, f"{STREAMS} of {STREAMS}", kswin_agreement())]


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:54} {target:52} {measured}")


if __name__ == "__main__":
    main()
