"""The findings of a comparison."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from modelwatch.errors import ConfigurationError, FormatError
from modelwatch.report.findings import (
    SEVERITIES,
    FeatureDrift,
    MultivariateDrift,
    PerformanceMetric,
    Severity,
)
from modelwatch.report.harm import performance_is_kept, surely_worse
from modelwatch.report.label_findings import ConceptFinding, LabelFindings
from modelwatch.report.skew_findings import FingerprintFinding, SchemaFinding

if TYPE_CHECKING:
    from rich.console import RenderableType

    from modelwatch.baseline import Baseline
    from modelwatch.comparisons.moment_changes import Change
    from modelwatch.profile import Profile
    from modelwatch.report.frame import Backend

__all__ = ["SEVERITIES", "DriftReport", "FeatureDrift", "Severity", "Verdict"]

T = TypeVar("T")

Verdict = Literal[
    "none", "warning", "drift", "drifted, harmless", "worse performance", "insufficient_data"
]


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
        multivariate: findings of all numeric inputs together, by statistic.
        performance: estimated and realised performance, by metric.
        segments: the same of each segment, where the comparison was asked for them.
        outlier_rate: share of current rows of which some input is an outlier, in [0, 1]; None
            without rows.
        baseline_outlier_rate: the same of the baseline's rows.
        unexpected: features in the data that the baseline lacks.
        schema: features that come in another form than in training: absent, of another type,
            spelled otherwise, or not in the baseline.
        fingerprint: what of the model and its environment differs from the baseline's.
        note: what has to be known to read it, in words: that a segment is new; that labels or
            predictions are of classes that the baseline does not know; which measures of
            performance are not told, as the scores are no probabilities; or None.
        labels: how many predictions have a label; None where no labels are waited for.
        concept: changes of the errors as labels came in, the latest first.
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
    multivariate: Mapping[str, MultivariateDrift] = field(default_factory=dict)
    performance: Mapping[str, PerformanceMetric] = field(default_factory=dict)
    segments: Mapping[str, DriftReport] = field(default_factory=dict)
    outlier_rate: float | None = None
    baseline_outlier_rate: float | None = None
    unexpected: tuple[str, ...] = ()
    schema: tuple[SchemaFinding, ...] = ()
    fingerprint: tuple[FingerprintFinding, ...] = ()
    note: str | None = None
    labels: LabelFindings | None = None
    concept: tuple[ConceptFinding, ...] = ()
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

    @property
    def verdict(self) -> Verdict:
        """The severity, or that what drifted does the model no harm, or that the model does worse.

        It is "worse performance" where the model surely does worse by labels, though no feature
        that it reads drifted: the mapping from inputs to truth changed, or the labels are wrong. A
        metric that decides must be worse at 99.9% confidence and by more than is tolerated; see
        `surely_worse`. Where features drifted too, "drift" says it all.

        What drifted does no harm where the model hardly reads it, or where its realised or else its
        estimated performance surely is no worse than the baseline's by the metrics that decide; see
        `performance_is_kept`. Estimates without labels cannot see a change of the mapping from
        inputs to truth.
        """
        drifted = [f for f in self.features.values() if f.severity == "drift" or f.harmless]
        in_question = [feature for feature in drifted if not feature.harmless]
        if in_question:
            is_kept = performance_is_kept(self.performance, in_question)
            return "drifted, harmless" if is_kept else self.severity
        if surely_worse(self.performance):
            return "worse performance"
        return "drifted, harmless" if drifted else self.severity

    def ranked(self) -> list[FeatureDrift]:
        """Return the features worst first: by severity, importance-weighted PSI, then p-value."""
        return sorted(self.features.values(), key=_rank)

    def changes(self, name: str) -> dict[str, Change]:
        """Return plain statistics of a feature, before and now; see `changes_of` for which.

        Args:
            name: the feature.

        Raises:
            ConfigurationError: where the feature is not in the report, or the report was read from
                a document and so holds neither baseline nor current statistics.
        """
        from modelwatch.report.changes import changes_in

        return changes_in(self, name)

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
            "verdict": self.verdict,
            "features": {name: found.to_dict() for name, found in self.features.items()},
            "multivariate": {name: asdict(found) for name, found in self.multivariate.items()},
            "performance": {name: asdict(found) for name, found in self.performance.items()},
            "segments": {name: report.to_dict() for name, report in self.segments.items()},
            "outlier_rate": self.outlier_rate,
            "baseline_outlier_rate": self.baseline_outlier_rate,
            "unexpected": list(self.unexpected),
            "schema": [asdict(found) for found in self.schema],
            "fingerprint": [asdict(found) for found in self.fingerprint],
            "note": self.note,
            "labels": None if self.labels is None else asdict(self.labels),
            "concept": [asdict(change) for change in self.concept],
        }

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> DriftReport:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or unknown.
        """
        try:
            parts = {
                name: body.get(name, {}) for name in ("multivariate", "performance", "segments")
            }
            return DriftReport(
                model=body["model"],
                version=body["version"],
                baseline_id=body["baseline_id"],
                start_ns=body["start_ns"],
                end_ns=body["end_ns"],
                rows=body["rows"],
                features=_each(FeatureDrift.from_dict, body["features"]),
                multivariate=_each(MultivariateDrift.from_dict, parts["multivariate"]),
                performance=_each(lambda item: PerformanceMetric(**item), parts["performance"]),
                segments=_each(DriftReport.from_dict, parts["segments"]),
                outlier_rate=body.get("outlier_rate"),
                baseline_outlier_rate=body.get("baseline_outlier_rate"),
                unexpected=tuple(body["unexpected"]),
                schema=tuple(map(SchemaFinding.from_dict, body.get("schema", ()))),
                fingerprint=tuple(map(FingerprintFinding.from_dict, body.get("fingerprint", ()))),
                note=body.get("note"),
                labels=None if body.get("labels") is None else LabelFindings(**body["labels"]),
                concept=tuple(map(ConceptFinding.from_dict, body.get("concept", ()))),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(
                f"the drift report is damaged: {type(error).__name__} {error}."
            ) from error

    def to_frame(self, backend: Backend | None = None) -> Any:
        """Return the findings as a data frame, one row a feature, worst first.

        Args:
            backend: pandas or polars; the first that is installed where None.

        Raises:
            ConfigurationError: where that library is not installed.
        """
        from modelwatch.report.frame import report_frame

        return report_frame(self, backend)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as one self-contained HTML page, and write it where a path is given.

        Raises:
            ConfigurationError: where the packages that draw are not installed, the path is no
                file's name, or its folder is not there.
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

    def __repr__(self) -> str:
        found = f"{self.rows} rows of {len(self.features)} features: {self.verdict}"
        return f"<DriftReport {self.model} {self.version}: {found}>"

    def _repr_html_(self) -> str | None:
        try:
            return self.to_html()
        except ConfigurationError:
            return None

    def __rich__(self) -> RenderableType:
        from modelwatch.report.text import report_table

        return report_table(self)


def _each(read: Callable[[Mapping[str, Any]], T], bodies: Mapping[str, Any]) -> dict[str, T]:
    return {name: read(body) for name, body in bodies.items()}


def _rank(feature: FeatureDrift) -> tuple[int, float, float, str]:
    weight = 1.0 if feature.importance is None else feature.importance
    evidence = 1.0 if feature.p_value is None else feature.p_value
    severity = SEVERITIES.index(feature.severity)
    return severity, -(feature.psi or 0.0) * weight, evidence, feature.name
