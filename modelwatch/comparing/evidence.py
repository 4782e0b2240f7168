"""How sure a difference is, and how large: p-values, effects and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from modelwatch.comparing.distances import Distances
from modelwatch.comparing.pairs import Pair
from modelwatch.comparisons.chi_square import chi_square_p_value
from modelwatch.comparisons.combining import cauchy_combination, weighted_bonferroni
from modelwatch.comparisons.design_effect import DesignEffect
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
from modelwatch.comparisons.psi import psi
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
    """

    tests: dict[Test, float] = field(default_factory=dict)
    p_values: dict[Aspect, float] = field(default_factory=dict)
    effects: dict[Aspect, float] = field(default_factory=dict)
    certain: dict[Aspect, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)

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
    _add_rates(found, pair, tested=pair.current.total >= minimum_rows)
    if distances is not None:
        if pair.rows >= minimum_rows:
            _add_values(found, pair, distances)
        _add_moments(found, pair, distances)
    return found


def _add_values(found: Evidence, pair: Pair, distances: Distances) -> None:
    feature, now, before = pair.feature, *_rows(pair)
    tests = {
        "chi_square": chi_square_p_value(distances.chi_square, now, before, feature.values_effect)
    }
    if distances.bins_used >= FEWEST_BINS_FOR_KS:
        statistic = distances.by_name["ks"]
        tests["ks"] = ks_p_value(statistic, now, before, feature.ks_effect)
    if distances.location is not None and distances.bins_used >= FEWEST_BINS_FOR_LOCATION:
        tests["location"] = location_p_value(
            distances.location, now, before, feature.location_effect
        )
    found.tests.update(tests)
    found.p_values["values"] = cauchy_combination(list(tests.values()))
    _add_index(found, distances, feature.values_effect, now, before)


def _add_index(
    found: Evidence, distances: Distances, effect: DesignEffect, now: float, before: float
) -> None:
    index = distances.by_name["psi"]
    degrees = distances.cells_used - 1.0
    noise = effect.noise(now, before)
    found.effects["values"] = index - degrees * noise
    if degrees < 1:
        found.certain["values"] = 0.0
        return
    nu = min(effect.nu_at(now, degrees), degrees)
    found.intervals["psi"] = psi_interval(index, degrees, noise, nu=nu)
    found.certain["values"] = psi_interval(index, degrees, noise, nu=nu, z=CERTAIN_Z)[0]


def _add_moments(found: Evidence, pair: Pair, distances: Distances) -> None:
    a, b = pair.reference.moments, pair.current.moments
    if a is None or b is None or not (a.variance > 0 and b.variance >= 0):
        return
    now, before = _rows(pair)
    effect = pair.feature.location_effect
    parts = effect.phi_at(now) / now, effect.phi_at(before) / before
    if "ks" in distances.by_name:
        noise = pair.feature.ks_effect.noise(now, before)
        found.intervals["ks"] = ks_interval(distances.by_name["ks"], noise)
    ratio = b.standard_deviation / a.standard_deviation
    shift = (b.mean - a.mean) / a.standard_deviation
    if math.isfinite(shift) and math.isfinite(ratio):
        found.intervals["mean_shift"] = mean_shift_interval(shift, ratio, *parts)
        if ratio > 0 and pair.feature.kurtosis is not None:
            found.intervals["std_ratio"] = std_ratio_interval(
                ratio, pair.feature.kurtosis, sum(parts)
            )


def _rows(pair: Pair) -> tuple[float, float]:
    return float(pair.cells[1].sum()), float(pair.cells[0].sum())


def _add_rates(found: Evidence, pair: Pair, *, tested: bool) -> None:
    feature, before, now = pair.feature, pair.reference, pair.current
    missing = before.missing_count, now.missing_count
    outliers = before.outlier_count, now.outlier_count
    _add_rate(found, "missing", missing, pair, feature.missing_effect, tested=tested)
    _add_rate(found, "outliers", outliers, pair, feature.outliers_effect, tested=tested)


def _add_rate(
    found: Evidence,
    aspect: Aspect,
    events: tuple[int, int],
    pair: Pair,
    effect: DesignEffect,
    *,
    tested: bool,
) -> None:
    """Judge a share by as many rows as there is independent evidence in them."""
    before, now = pair.reference.total, pair.current.total
    if not now:
        return
    phi = effect.phi_at(before), effect.phi_at(now)
    found.intervals[INTERVAL_OF[aspect]] = rate_interval(events[1] / now, now / phi[1])
    if not tested or not any(events):
        return
    found.p_values[aspect] = found.tests[aspect] = rate_p_value(
        events[0] / phi[0], before / phi[0], events[1] / phi[1], now / phi[1]
    )
    index = psi([before - events[0], events[0]], [now - events[1], events[1]])
    found.effects[aspect] = index
    found.certain[aspect] = psi_interval(index, 1, effect.noise(now, before), z=CERTAIN_Z)[0]
