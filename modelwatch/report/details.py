"""All numbers of one feature, for those who look closer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.baseline import BaselineFeature
from modelwatch.comparisons.moment_changes import Change
from modelwatch.feature import FeatureProfile
from modelwatch.report.changes import changes_of
from modelwatch.report.drift_report import FeatureDrift
from modelwatch.report.wording import number, p_value, percent

__all__ = ["ChangeRow", "Details", "details_of"]

STATISTICS = {
    "mean": "Mean",
    "standard_deviation": "Standard deviation",
    "minimum": "Minimum",
    "q05": "5% quantile",
    "q25": "25% quantile",
    "median": "Median",
    "q75": "75% quantile",
    "q95": "95% quantile",
    "maximum": "Maximum",
    "missing_rate": "Missing",
}
"""In the order in which they are told."""

DISTANCES = {
    "psi": "PSI",
    "kl": "Kullback-Leibler, nats",
    "js": "Jensen-Shannon",
    "hellinger": "Hellinger",
    "total_variation": "Total variation",
    "l_infinity": "Largest change of a share",
    "ks": "Kolmogorov-Smirnov",
    "wasserstein": "Wasserstein, in sd",
    "chi2": "Chi-square",
}

TESTS = {
    "chi_square": "Chi-square",
    "ks": "Kolmogorov-Smirnov",
    "location": "Normal scores",
    "missing": "Missing values",
    "outliers": "Outliers",
}


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One plain statistic before and now; ``interval`` is that of the current value."""

    name: str
    reference: str
    current: str
    interval: str


@dataclass(frozen=True, kw_only=True)
class Details:
    """The numbers of one feature.

    Attributes:
        changes: plain statistics; none where the report holds no statistics.
        distances: name and value of each distance that has one.
        tests: name and p-value of each test that was made.
    """

    changes: list[ChangeRow]
    distances: list[tuple[str, str]]
    tests: list[tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.changes or self.distances or self.tests)


def details_of(
    drift: FeatureDrift,
    feature: BaselineFeature | None,
    reference: FeatureProfile | None,
    current: FeatureProfile | None,
) -> Details:
    """Return the numbers of one feature.

    Args:
        drift: what was found.
        feature: its description in the baseline; None where the baseline is not at hand.
        reference: its statistics there, or None.
        current: its statistics now, or None.
    """
    changes: dict[str, Change] = {}
    if feature is not None and reference is not None and current is not None:
        changes = changes_of(feature, reference, current)
    values = {name: getattr(drift, name) for name in DISTANCES}
    return Details(
        changes=[_row(name, changes[name]) for name in STATISTICS if name in changes],
        distances=[
            (DISTANCES[name], number(value)) for name, value in values.items() if value is not None
        ],
        tests=[(TESTS.get(name, name), p_value(value)) for name, value in drift.tests.items()],
    )


def _row(name: str, change: Change) -> ChangeRow:
    if name == "missing_rate":
        known = change.lower is not None and change.upper is not None
        bounds = f"{percent(change.lower)} to {percent(change.upper)}" if known else ""
        before, now = percent(change.reference), percent(change.current)
    else:
        bounds = _bounds(change)
        before, now = _plain(change.reference), _plain(change.current)
    return ChangeRow(name=STATISTICS[name], reference=before, current=now, interval=bounds)


def _bounds(change: Change) -> str:
    if change.lower is None or change.upper is None:
        return ""
    return f"{_plain(change.lower)} to {_plain(change.upper)}"


def _plain(value: float) -> str:
    """Return a value to four digits; it may have any size."""
    return f"{value:.4g}"
