"""What a comparison found of one feature, of all together, and of the model's performance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

from modelwatch.feature import Role
from modelwatch.outliers import Kind
from modelwatch.report.skew_findings import Origin

__all__ = [
    "SEVERITIES",
    "FeatureDrift",
    "MultivariateDrift",
    "PerformanceMetric",
    "Severity",
]

Severity = Literal["none", "warning", "drift", "insufficient_data"]
SEVERITIES: tuple[Severity, ...] = ("drift", "warning", "insufficient_data", "none")
"""Worst first."""

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """What one feature's comparison found; a number is None where it has no meaning.

    Attributes:
        name: the feature.
        role: whether the model reads or makes it.
        kind: what it holds.
        rows: current rows compared, missing ones too.
        psi: population stability index on deciles, or on the main categories.
        kl: Kullback-Leibler divergence of the current from the reference, in nats, same cells.
        js: Jensen-Shannon distance in [0, 1], same cells.
        ks: Kolmogorov-Smirnov statistic in [0, 1], on all bins; numbers only.
        wasserstein: Wasserstein distance in reference standard deviations; numbers only.
        hellinger: Hellinger distance in [0, 1], same cells.
        total_variation: total variation distance in [0, 1], same cells.
        l_infinity: largest change of the share of one cell, in [0, 1].
        chi2: two-sample chi-square statistic, same cells.
        effect: PSI above what chance makes it, given how much the baseline's own blocks vary.
        p_value: chance of a difference at least this large in values, missing share or outlier
            share without any change, given how much the baseline's own blocks vary.
        q_value: the p-value adjusted for the number of features (Benjamini-Hochberg).
        severity: none, warning, drift, or insufficient_data.
        mean_shift: change of the mean in reference standard deviations.
        std_ratio: current over reference standard deviation.
        missing_rate: share of current rows without a usable value, in [0, 1].
        outlier_rate: share of current rows with an outlying value, in [0, 1].
        importance: weight of the feature in the model, where the baseline has it.
        season: the cycle, hour or weekday, by which it was compared with the same times of the
            baseline; None where with all of it.
        harmless: whether it drifted, and the model hardly reads it.
        tests: p-value of each test: chi_square, ks, location, missing, outliers.
        intervals: 95% confidence interval of psi (above chance, as `effect`), ks, mean_shift,
            std_ratio, missing_rate and outlier_rate, as far as they are known.
        segment: the segment that contributes most to the change, where the comparison was split.
        cause: the probable cause, such as scale_change; None where none has the evidence.
        diagnosis: what happened, in words.
        trace_ids: traces in which it was seen, the latest first, where a collector knows some.
        origin: skew where it is there from the first judged window after the deployment on, drift
            where it began later; None where nothing was found, or that is not known.
        since_ns: start of the first window of those in a row that found it, Unix nanoseconds; None
            likewise.
    """

    name: str
    role: Role
    kind: Kind
    rows: int
    psi: float | None = None
    kl: float | None = None
    js: float | None = None
    ks: float | None = None
    wasserstein: float | None = None
    hellinger: float | None = None
    total_variation: float | None = None
    l_infinity: float | None = None
    chi2: float | None = None
    effect: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    severity: Severity = "none"
    mean_shift: float | None = None
    std_ratio: float | None = None
    missing_rate: float = 0.0
    outlier_rate: float = 0.0
    importance: float | None = None
    season: str | None = None
    harmless: bool = False
    tests: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    segment: str | None = None
    cause: str | None = None
    diagnosis: str | None = None
    trace_ids: tuple[str, ...] = ()
    origin: Origin | None = None
    since_ns: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values; ten times as fast as `dataclasses.asdict`."""
        return {
            **vars(self),
            "tests": dict(self.tests),
            "intervals": dict(self.intervals),
            "trace_ids": list(self.trace_ids),
        }

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> FeatureDrift:
        """Return a finding of these fields; ten times as fast as the constructor.

        Args:
            known: fields by name, as the constructor takes them. They are not checked.
        """
        found = cls.__new__(cls)
        vars(found).update(_DEFAULTS, tests={}, intervals={})
        vars(found).update(known)
        return found

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> FeatureDrift:
        """Read what `dataclasses.asdict` made, after a way through JSON.

        Raises:
            TypeError: where a field is unknown or absent.
        """
        intervals = body.get("intervals", {})
        pairs = {name: (float(low), float(high)) for name, (low, high) in intervals.items()}
        traces = tuple(body.get("trace_ids", ()))
        return cls(**{**body, "intervals": pairs, "trace_ids": traces})


_DEFAULTS = {
    one.name: None if one.default is MISSING else one.default for one in fields(FeatureDrift)
}
"""In the order of the fields, of which some have none."""


@dataclass(frozen=True, kw_only=True)
class MultivariateDrift:
    """What the comparison of all numeric inputs together found, by one statistic.

    Attributes:
        name: correlation, mean or reconstruction.
        value: the statistic; None where there were too few complete rows.
        p_value: chance of a value at least this large without any change, given how much the
            baseline's own blocks vary; None likewise.
        lower: lower bound of its 95% confidence interval, where it has one.
        upper: upper bound.
        severity: none, warning, drift, or insufficient_data.
        rows: complete current rows.
        features: the features that it concerns most.
        diagnosis: what happened, in words.
    """

    name: str
    value: float | None = None
    p_value: float | None = None
    lower: float | None = None
    upper: float | None = None
    severity: Severity = "insufficient_data"
    rows: int = 0
    features: tuple[str, ...] = ()
    diagnosis: str | None = None

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> MultivariateDrift:
        """Read what `dataclasses.asdict` made, after a way through JSON."""
        return cls(**{**body, "features": tuple(body.get("features", ()))})


@dataclass(frozen=True, kw_only=True)
class PerformanceMetric:
    """One measure of how well the model does.

    Attributes:
        name: such as roc_auc or mae.
        reference: its value on the baseline's rows; None where they had no labels.
        estimated: what current inputs and scores make one expect, without labels; None where the
            baseline had no labels to learn from.
        realized: its value by current labels; None where there are none.
        lower: lower bound of the 95% confidence interval of `realized`, or else of `estimated`.
        upper: upper bound.
        rows: current rows that it was computed on.
        condition: under what condition the estimate holds, in words.
        reference_lower: lower bound of the 95% confidence interval of `reference`; None where it
            is taken as exact.
        reference_upper: upper bound.
        estimated_lower: lower bound of the 95% confidence interval of `estimated`; None where that
            is not known.
        estimated_upper: upper bound.
        verdict: what the three values together say, such as concept drift; None where not all of
            them are known.
        explained: the same in words: how much of the change the inputs explain.
    """

    name: str
    reference: float | None = None
    estimated: float | None = None
    realized: float | None = None
    lower: float | None = None
    upper: float | None = None
    rows: int = 0
    condition: str | None = None
    reference_lower: float | None = None
    reference_upper: float | None = None
    estimated_lower: float | None = None
    estimated_upper: float | None = None
    verdict: str | None = None
    explained: str | None = None

    @property
    def change(self) -> tuple[float, float, float] | None:
        """By how much it is above the reference: at least, as measured, at most; or None.

        The 95% interval of the difference of two estimates follows from theirs (Zou and Donner,
        2008).
        """
        value = self.estimated if self.realized is None else self.realized
        if None in (value, self.reference, self.lower, self.upper):
            return None
        before = self.reference or 0.0
        now, low, high = value or 0.0, self.lower or 0.0, self.upper or 0.0
        least = before if self.reference_lower is None else self.reference_lower
        most = before if self.reference_upper is None else self.reference_upper
        below, above = math.hypot(now - low, most - before), math.hypot(high - now, before - least)
        return now - before - below, now - before, now - before + above

    @property
    def changed(self) -> bool | None:
        """Whether it differs from the reference beyond chance; None where either is unknown."""
        if self.change is None:
            return None
        low, _, high = self.change
        return not low <= 0.0 <= high
