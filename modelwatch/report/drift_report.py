"""The findings of a comparison."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from modelwatch.errors import ConfigurationError, FormatError
from modelwatch.feature import Role
from modelwatch.outliers import Kind

if TYPE_CHECKING:
    from rich.console import RenderableType

    from modelwatch.baseline import Baseline
    from modelwatch.profile import Profile

__all__ = ["SEVERITIES", "DriftReport", "FeatureDrift", "Severity"]

Severity = Literal["none", "warning", "drift", "insufficient_data"]
SEVERITIES: tuple[Severity, ...] = ("drift", "warning", "insufficient_data", "none")
"""Worst first."""


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
        harmless: whether it drifted, and the model hardly reads it.
        tests: p-value of each test: chi_square, ks, location, missing, outliers.
        intervals: 95% confidence interval of psi (above chance, as `effect`), ks, mean_shift,
            std_ratio, missing_rate and outlier_rate, as far as they are known.
        diagnosis: what happened, in words.
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
    harmless: bool = False
    tests: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    diagnosis: str | None = None


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """A model version's current data against its baseline. Shows itself in a notebook.

    Attributes:
        model: the model's name.
        version: its version.
        baseline_id: what was compared against.
        start_ns: start of the current window, Unix nanoseconds; 0 where the data has no times.
        end_ns: its end.
        rows: current rows.
        features: findings by name, every input and output of the baseline.
        unexpected: features in the data that the baseline lacks.
        baseline: what was compared against, for charts; None in a report read from a document.
        current: the current statistics, likewise.
    """

    model: str
    version: str
    baseline_id: str
    start_ns: int
    end_ns: int
    rows: int
    features: Mapping[str, FeatureDrift]
    unexpected: tuple[str, ...] = ()
    baseline: Baseline | None = field(default=None, compare=False, repr=False)
    current: Profile | None = field(default=None, compare=False, repr=False)

    @property
    def severity(self) -> Severity:
        """The worst severity of any feature; insufficient_data where there is no feature."""
        found = {feature.severity for feature in self.features.values()}
        return next((severity for severity in SEVERITIES if severity in found), SEVERITIES[2])

    @property
    def drifted(self) -> bool:
        """Whether some feature's severity is "drift"."""
        return self.severity == "drift"

    def ranked(self) -> list[FeatureDrift]:
        """Return the features worst first: by severity, importance-weighted PSI, then p-value."""
        return sorted(self.features.values(), key=_rank)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "model": self.model,
            "version": self.version,
            "baseline_id": self.baseline_id,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "rows": self.rows,
            "drifted": self.drifted,
            "severity": self.severity,
            "features": {name: asdict(feature) for name, feature in self.features.items()},
            "unexpected": list(self.unexpected),
        }

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> DriftReport:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or unknown.
        """
        try:
            features = {name: FeatureDrift(**item) for name, item in body["features"].items()}
            return DriftReport(
                model=body["model"],
                version=body["version"],
                baseline_id=body["baseline_id"],
                start_ns=body["start_ns"],
                end_ns=body["end_ns"],
                rows=body["rows"],
                features=features,
                unexpected=tuple(body["unexpected"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(
                f"the drift report is damaged: {type(error).__name__} {error}."
            ) from error

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as one self-contained HTML page, and write it where a path is given.

        Raises:
            ConfigurationError: where the packages that draw are not installed.
            OSError: where the file cannot be written.
        """
        try:
            from modelwatch.report.html import write_html
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"an HTML report needs {error.name}, which is not installed: "
                'pip install "modelwatch[collector]"'
            ) from error
        return write_html(self, path)

    def _repr_html_(self) -> str | None:
        try:
            return self.to_html()
        except ConfigurationError:
            return None

    def __rich__(self) -> RenderableType:
        from modelwatch.report.text import report_table

        return report_table(self)


def _rank(feature: FeatureDrift) -> tuple[int, float, float, str]:
    weight = 1.0 if feature.importance is None else feature.importance
    evidence = 1.0 if feature.p_value is None else feature.p_value
    severity = SEVERITIES.index(feature.severity)
    return severity, -(feature.psi or 0.0) * weight, evidence, feature.name
