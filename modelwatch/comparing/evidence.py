"""How sure a difference is, and how large: p-values, effects and their intervals.

Each is computed for all features at once: a row of every array is one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from modelwatch.comparing.distances import Distances
from modelwatch.comparing.pairs import Pair
from modelwatch.comparisons.chi_square import chi_square_p_value_each
from modelwatch.comparisons.combining import bonferroni_adjusted, cauchy_combination_each
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.intervals import (
    Interval,
    ks_interval_each,
    mean_shift_interval_each,
    psi_interval_each,
    rate_interval_each,
    std_ratio_interval_each,
)
from modelwatch.comparisons.ks import ks_p_value_each
from modelwatch.comparisons.location import location_p_value_each
from modelwatch.comparisons.psi import psi_each
from modelwatch.comparisons.rare_events import rate_p_value_each
from modelwatch.comparisons.window_effects import WindowEffects
from modelwatch.diagnosis import Aspect

__all__ = ["WEIGHTS", "Evidence", "Test", "evidence_of"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Test = str
"""Name of a test: chi_square, ks, location, missing or outliers."""

WEIGHTS: dict[Aspect, float] = {"values": 0.9, "missing": 0.05, "outliers": 0.05}
"""Share of the level that each aspect of a feature is tested at. Missing values and outliers have
exact tests with tiny p-values where something broke, so that a small share costs them little."""

CERTAIN_Z = 3.090232306167813
"""One-sided 99.9% point of the normal law."""

TESTS: tuple[Test, ...] = ("chi_square", "ks", "location")
"""Of the values."""

RateAspect = Literal["missing", "outliers"]

INTERVAL_OF: dict[RateAspect, str] = {"missing": "missing_rate", "outliers": "outlier_rate"}

FEWEST_BINS_FOR_KS = 11
"""On fewer bins than that the chi-square test has them all as cells."""

FEWEST_BINS_FOR_LOCATION = 3


@dataclass(kw_only=True)
class Evidence:
    """What speaks for a change of one feature.

    Attributes:
        tests: p-value of each test.
        p_values: p-value of each aspect that could be tested, adjusted for the number of them.
        effects: how much each of them changed, as PSI above its noise floor.
        certain: what the effect is at least, at the confidence of 99.9%.
        intervals: 95% confidence interval of each effect that has one, by its name.
        combined: the p-value of any change at all; None where nothing could be tested.
        moments: mean_shift and std_ratio, in reference standard deviations, of numbers.
        index: the population stability index.
        is_clustered: whether the baseline's blocks vary more than independent rows would.
    """

    tests: dict[Test, float] = field(default_factory=dict)
    p_values: dict[Aspect, float] = field(default_factory=dict)
    effects: dict[Aspect, float] = field(default_factory=dict)
    certain: dict[Aspect, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    moments: dict[str, float] = field(default_factory=dict)
    combined: float | None = None
    index: float = 0.0
    is_clustered: bool = False


def evidence_of(
    pairs: Sequence[Pair], distances: Mapping[str, Distances], minimum_rows: int
) -> dict[str, Evidence]:
    """Judge each feature, without regard to the others.

    Args:
        pairs: the features before and now.
        distances: how far values moved; a feature of which a side has none is not there.
        minimum_rows: with fewer rows nothing is tested.
    """
    found = [Evidence() for _ in pairs]
    _add_rates(found, pairs, "missing", minimum_rows)
    _add_rates(found, pairs, "outliers", minimum_rows)
    measured = [
        (evidence, pair, distances[pair.feature.name])
        for evidence, pair in zip(found, pairs, strict=True)
        if pair.feature.name in distances
    ]
    if measured:
        values = _Values.of(measured)
        values.add_tests(minimum_rows)
        values.add_moments()
    _adjust(found)
    return {pair.feature.name: evidence for pair, evidence in zip(pairs, found, strict=True)}


def _adjust(found: Sequence[Evidence]) -> None:
    """Adjust the p-values of each feature for the number of its aspects."""
    table = [[one.p_values.get(aspect, math.nan) for aspect in WEIGHTS] for one in found]
    adjusted = bonferroni_adjusted(
        np.array(table).reshape(-1, len(WEIGHTS)), np.array(list(WEIGHTS.values()))
    )
    for evidence, row in zip(found, adjusted.tolist(), strict=True):
        if evidence.p_values:
            made = zip(WEIGHTS, row, strict=True)
            evidence.p_values = {aspect: own for aspect, own in made if not math.isnan(own)}
            evidence.combined = min(evidence.p_values.values())


@dataclass(frozen=True)
class _Values:
    """What the values of some features are compared by.

    Attributes:
        evidence: of each feature.
        pairs: before and now.
        distances: how far values moved.
        rows: how many are in the cells, before and now, shape (2, features).
        cells: design effects of the chi-square statistic.
        ks: of the Kolmogorov-Smirnov statistic.
        location: of the mean normal score.
    """

    evidence: Sequence[Evidence]
    pairs: Sequence[Pair]
    distances: Sequence[Distances]
    rows: FloatArray
    cells: WindowEffects
    ks: WindowEffects
    location: WindowEffects

    @classmethod
    def of(cls, measured: Iterable[tuple[Evidence, Pair, Distances]]) -> _Values:
        evidence, pairs, distances = zip(*measured, strict=True)
        before, now = rows = np.array([pair.values for pair in pairs], np.float64).T
        designs = [pair.effects for pair in pairs]
        return cls(
            evidence,
            pairs,
            distances,
            rows,
            WindowEffects.between([one.cells for one in designs], now, before),
            WindowEffects.between([one.ks for one in designs], now, before),
            WindowEffects.between([one.location for one in designs], now, before),
        )

    def add_tests(self, minimum_rows: int) -> None:
        p_values = self._p_values()
        combined = cauchy_combination_each(p_values)
        tested = (self.rows[0] >= minimum_rows) & (self.rows[1] >= minimum_rows)
        all_made = np.asarray(~np.isnan(p_values).any(axis=1))
        for at, row, is_whole, p_value in _rows(tested, p_values, all_made, combined):
            evidence = self.evidence[at]
            made = zip(TESTS, row, strict=True)
            evidence.tests.update(made if is_whole else _known(made))
            evidence.p_values["values"] = p_value
        self._add_indices(tested)

    def _p_values(self) -> FloatArray:
        """Return the p-value of each test, NaN where it has no meaning, shape (features, tests)."""
        told = [
            (
                one.chi_square.statistic,
                one.chi_square.degrees_of_freedom,
                one.by_name.get("ks", math.nan),
                math.nan if one.location is None else one.location,
                one.bins_used,
            )
            for one in self.distances
        ]
        statistics, degrees, ks, location, bins = np.array(told).T
        independent = (1 / self.rows).sum(axis=0)
        found = np.column_stack(
            [
                chi_square_p_value_each(statistics, degrees, independent, self.cells),
                ks_p_value_each(ks, self.ks),
                location_p_value_each(location, self.location),
            ]
        )
        found[bins < FEWEST_BINS_FOR_KS, 1] = math.nan
        found[bins < FEWEST_BINS_FOR_LOCATION, 2] = math.nan
        return found

    def _add_indices(self, tested: BoolArray) -> None:
        told = [(one.by_name["psi"], one.cells_used - 1.0) for one in self.distances]
        index, degrees = np.array(told).T
        noise, some = self.cells.noise, np.maximum(degrees, 1.0)
        effects = index - degrees * noise
        nu = np.minimum(self.cells.nu, some)
        low, high = psi_interval_each(index, some, noise, nu)
        certain = np.where(
            degrees < 1, 0.0, psi_interval_each(index, some, noise, nu, z=CERTAIN_Z)[0]
        )
        columns = (self.cells.is_clustered, degrees >= 1, index, effects, certain, low, high)
        for at, is_clustered, is_bounded, *told, lower, upper in _rows(tested, *columns):
            evidence = self.evidence[at]
            evidence.is_clustered = is_clustered
            evidence.index, evidence.effects["values"], evidence.certain["values"] = told
            if is_bounded:
                evidence.intervals["psi"] = (lower, upper)

    def add_moments(self) -> None:
        told = [_moments(pair) for pair in self.pairs]
        before, before_variance, now, now_variance, kurtosis = np.array(told).T
        is_known = (before_variance > 0) & (now_variance >= 0)
        spread = np.sqrt(np.where(is_known, before_variance, 1.0))
        shift = (now - before) / spread
        ratio = np.sqrt(np.where(is_known, now_variance, 0.0)) / spread
        is_finite = is_known & np.isfinite(shift) & np.isfinite(ratio)
        effects = self.location
        has_ratio = is_finite & (ratio > 0) & ~np.isnan(kurtosis)
        ks = np.array([one.by_name.get("ks", math.nan) for one in self.distances])
        for name, is_there, (low, high) in (
            ("ks", is_known & ~np.isnan(ks), ks_interval_each(ks, self.ks.noise)),
            (
                "mean_shift",
                is_finite,
                mean_shift_interval_each(shift, ratio, effects.current, effects.reference),
            ),
            ("std_ratio", has_ratio, std_ratio_interval_each(ratio, kurtosis, effects.noise)),
        ):
            for at, lower, upper in _rows(is_there, low, high):
                self.evidence[at].intervals[name] = (lower, upper)
        for at, moved, widened in _rows(is_finite, shift, ratio):
            self.evidence[at].moments = {"mean_shift": moved, "std_ratio": widened}


def _rows(chosen: BoolArray, *columns: npt.NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the chosen places, each with the plain values that the columns have there."""
    values = (column[chosen].tolist() for column in columns)
    return zip(np.flatnonzero(chosen).tolist(), *values, strict=True)


def _known(p_values: Iterable[tuple[Test, float]]) -> list[tuple[Test, float]]:
    return [(name, p_value) for name, p_value in p_values if not math.isnan(p_value)]


def _moments(pair: Pair) -> tuple[float, float, float, float, float]:
    """Return mean and variance, before and now, and the kurtosis; NaN where one is not known."""
    before, now, kurtosis = pair.reference.moments, pair.current.moments, pair.feature.kurtosis
    if before is None or now is None:
        return math.nan, math.nan, math.nan, math.nan, math.nan
    of_both = before.mean, before.variance, now.mean, now.variance
    return (*of_both, math.nan if kurtosis is None else kurtosis)


def _add_rates(
    found: Sequence[Evidence], pairs: Sequence[Pair], aspect: RateAspect, minimum_rows: int
) -> None:
    """Judge a share of each feature by as many rows as there is independent evidence in them."""
    filled = [at for at, pair in enumerate(pairs) if all(pair.totals)]
    if not filled:
        return
    found, pairs = [found[at] for at in filled], [pairs[at] for at in filled]
    designs, events = _events(pairs, aspect)
    rows = np.array([pair.totals for pair in pairs], np.float64).T
    effects = WindowEffects.between(designs, rows[1], rows[0])
    before, now = 1 / effects.reference, 1 / effects.current
    shares = events / rows
    low, high = rate_interval_each(shares[1], now)
    for evidence, *bounds in zip(found, low.tolist(), high.tolist(), strict=True):
        evidence.intervals[INTERVAL_OF[aspect]] = (bounds[0], bounds[1])
    tested = (rows[1] >= minimum_rows) & events.any(axis=0)
    if not tested.any():
        return
    p_values = rate_p_value_each(shares[0] * before, before, shares[1] * now, now)[tested]
    if aspect == "outliers":
        # Fewer are no harm, and rows that were trained on have no unseen category.
        p_values[(shares[1] <= shares[0])[tested]] = 1.0
    of_both = np.stack([rows - events, events], axis=-1)[:, tested]
    index = psi_each(of_both[0], of_both[1])
    certain = psi_interval_each(index, 1.0, effects.noise[tested], 1.0, z=CERTAIN_Z)[0]
    numbers = (column.tolist() for column in (p_values, index, certain))
    for at, p_value, effect, least in zip(np.flatnonzero(tested), *numbers, strict=True):
        evidence = found[at]
        evidence.p_values[aspect] = evidence.tests[aspect] = p_value
        evidence.effects[aspect], evidence.certain[aspect] = effect, least


def _events(
    pairs: Sequence[Pair], aspect: RateAspect
) -> tuple[list[DesignEffect], npt.NDArray[np.float64]]:
    """Return the design effect of a share of each feature, and its events, before and now."""
    if aspect == "missing":
        designs = [pair.feature.missing_effect for pair in pairs]
        events = [(pair.reference.missing_count, pair.current.missing_count) for pair in pairs]
    else:
        designs = [pair.feature.outliers_effect for pair in pairs]
        events = [(pair.reference.outlier_count, pair.current.outlier_count) for pair in pairs]
    return designs, np.array(events, np.float64).T
