"""How sure a difference is, and how large: p-values, effects and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from modelwatch.comparing.distances import Distances
from modelwatch.comparing.pairs import Pair
from modelwatch.comparisons.chi_square import chi_square_p_value
from modelwatch.comparisons.combining import cauchy_combination, weighted_bonferroni
from modelwatch.comparisons.design_effect import DesignEffect, WindowEffect
from modelwatch.comparisons.intervals import (
    Interval,
    ks_interval,
    mean_shift_interval,
    psi_interval,
    rate_interval,
    std_ratio_interval,
)
from modelwatch.comparisons.ks import ks_p_value
from modelwatch.comparisons.location import location_p_value
from modelwatch.comparisons.psi import psi_each
from modelwatch.comparisons.rare_events import rate_p_value
from modelwatch.diagnosis import Aspect

__all__ = ["WEIGHTS", "Evidence", "Test", "evidence_of"]

Test = str
"""Name of a test: chi_square, ks, location, missing or outliers."""

WEIGHTS: dict[Aspect, float] = {"values": 0.9, "missing": 0.05, "outliers": 0.05}
"""Share of the level that each aspect of a feature is tested at. Missing values and outliers have
exact tests with tiny p-values where something broke, so that a small share costs them little."""

CERTAIN_Z = 3.090232306167813
"""One-sided 99.9% point of the normal law."""

INTERVAL_OF: dict[Aspect, str] = {"missing": "missing_rate", "outliers": "outlier_rate"}

FEWEST_BINS_FOR_KS = 11
"""On fewer bins than that the chi-square test has them all as cells."""

FEWEST_BINS_FOR_LOCATION = 3


@dataclass(kw_only=True)
class Evidence:
    """What speaks for a change of one feature.

    Attributes:
        tests: p-value of each test.
        p_values: p-value of each aspect that could be tested.
        effects: how much each of them changed, as PSI above its noise floor.
        certain: what the effect is at least, at the confidence of 99.9%.
        intervals: 95% confidence interval of each effect that has one, by its name.
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
    index: float = 0.0
    is_clustered: bool = False

    @property
    def combined(self) -> float:
        """The p-value of any change at all."""
        weights = [WEIGHTS[aspect] for aspect in self.p_values]
        return weighted_bonferroni(list(self.p_values.values()), weights)

    def p_value_of(self, aspect: Aspect) -> float:
        """Return an aspect's p-value, adjusted for the number of aspects."""
        total = sum(WEIGHTS[name] for name in self.p_values)
        return min(1.0, self.p_values[aspect] * total / WEIGHTS[aspect])


def evidence_of(pair: Pair, distances: Distances | None, minimum_rows: int) -> Evidence:
    """Judge one feature, without regard to the others.

    Args:
        pair: the feature before and now.
        distances: how far its values moved; None where a side has none.
        minimum_rows: with fewer rows nothing is tested.
    """
    found = Evidence()
    _add_rates(found, pair, tested=pair.totals[1] >= minimum_rows)
    if distances is None:
        return found
    rows = pair.values[1], pair.values[0]
    effects = Effects(
        cells=pair.effects.cells.between(*rows),
        ks=pair.effects.ks.between(*rows),
        location=pair.effects.location.between(*rows),
    )
    if pair.rows >= minimum_rows:
        _add_values(found, pair, distances, effects)
    _add_moments(found, pair, distances, effects)
    return found


class Effects(NamedTuple):
    """The design effect of each statistic of a feature's values."""

    cells: WindowEffect
    ks: WindowEffect
    location: WindowEffect


def _add_values(found: Evidence, pair: Pair, distances: Distances, effects: Effects) -> None:
    before, now = pair.values
    p_value = chi_square_p_value(distances.chi_square, now, before, effects.cells)
    tests = {"chi_square": p_value}
    if distances.bins_used >= FEWEST_BINS_FOR_KS:
        tests["ks"] = ks_p_value(distances.by_name["ks"], effects.ks)
    if distances.location is not None and distances.bins_used >= FEWEST_BINS_FOR_LOCATION:
        tests["location"] = location_p_value(distances.location, effects.location)
    found.tests.update(tests)
    found.p_values["values"] = cauchy_combination(list(tests.values()))
    _add_index(found, distances, effects.cells)


def _add_index(found: Evidence, distances: Distances, effect: WindowEffect) -> None:
    index, degrees = distances.by_name["psi"], distances.cells_used - 1.0
    found.index, found.is_clustered = index, effect.is_clustered
    found.effects["values"] = index - degrees * effect.noise
    if degrees < 1:
        found.certain["values"] = 0.0
        return
    nu = min(effect.nu, degrees)
    found.intervals["psi"] = psi_interval(index, degrees, effect.noise, nu=nu)
    found.certain["values"] = psi_interval(index, degrees, effect.noise, nu=nu, z=CERTAIN_Z)[0]


def _add_moments(found: Evidence, pair: Pair, distances: Distances, effects: Effects) -> None:
    before, now = pair.reference.moments, pair.current.moments
    if before is None or now is None or not (before.variance > 0 and now.variance >= 0):
        return
    if "ks" in distances.by_name:
        found.intervals["ks"] = ks_interval(distances.by_name["ks"], effects.ks.noise)
    spread, effect = before.standard_deviation, effects.location
    ratio, shift = now.standard_deviation / spread, (now.mean - before.mean) / spread
    if not (math.isfinite(shift) and math.isfinite(ratio)):
        return
    found.moments |= {"mean_shift": shift, "std_ratio": ratio}
    found.intervals["mean_shift"] = mean_shift_interval(
        shift, ratio, effect.current, effect.reference
    )
    if ratio > 0 and pair.feature.kurtosis is not None:
        interval = std_ratio_interval(ratio, pair.feature.kurtosis, effect.noise)
        found.intervals["std_ratio"] = interval


def _add_rates(found: Evidence, pair: Pair, *, tested: bool) -> None:
    feature, before, now = pair.feature, pair.reference, pair.current
    missing = before.missing_count, now.missing_count
    outliers = before.outlier_count, now.outlier_count
    _add_rate(found, "missing", missing, pair.totals, feature.missing_effect, tested=tested)
    _add_rate(found, "outliers", outliers, pair.totals, feature.outliers_effect, tested=tested)


def _add_rate(
    found: Evidence,
    aspect: Aspect,
    events: tuple[int, int],
    rows: tuple[int, int],
    design: DesignEffect,
    *,
    tested: bool,
) -> None:
    """Judge a share by as many rows as there is independent evidence in them."""
    if not all(rows):
        return
    effect = design.between(rows[1], rows[0])
    before, now = 1 / effect.reference, 1 / effect.current
    shares = events[0] / rows[0], events[1] / rows[1]
    found.intervals[INTERVAL_OF[aspect]] = rate_interval(shares[1], now)
    if not tested or not any(events):
        return
    p_value = rate_p_value(shares[0] * before, before, shares[1] * now, now)
    if aspect == "outliers" and shares[1] <= shares[0]:
        p_value = 1.0  # fewer are no harm, and rows that were trained on have no unseen category
    found.p_values[aspect] = found.tests[aspect] = p_value
    before_cells, now_cells = ([[n - k, k]] for n, k in zip(rows, events, strict=True))
    index = float(psi_each(before_cells, now_cells)[0])
    found.effects[aspect] = index
    found.certain[aspect] = psi_interval(index, 1, effect.noise, z=CERTAIN_Z)[0]
