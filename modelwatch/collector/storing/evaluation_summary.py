"""What an evaluation comes to, without what it was judged by: for lists of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from modelwatch.collector.quick_json import from_json, to_json
from modelwatch.errors import FormatError, StoreError
from modelwatch.origins import Deployed
from modelwatch.report.drift_report import SEVERITIES, DriftReport, Severity, Verdict
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import LabelFindings

__all__ = ["EvaluationSummary", "FeatureSummary"]


class FeatureSummary(NamedTuple):
    """What was found of one feature; see `modelwatch.report.findings.FeatureDrift`."""

    severity: Severity
    psi: float | None
    effect: float | None
    importance: float | None
    harmless: bool
    diagnosis: str | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationSummary:
    """What was found.

    Attributes:
        rows: rows of the window that were compared.
        verdict: what the report comes to.
        features: by name.
        deployed: what was known of the deployment when the window ended; None where nothing was.
        performance: measures of performance, by name.
        labels: how many predictions had a label; None where no labels were waited for.
    """

    rows: int
    verdict: Verdict
    features: Mapping[str, FeatureSummary]
    deployed: Deployed | None = None
    performance: Mapping[str, PerformanceMetric] = field(default_factory=dict)
    labels: LabelFindings | None = None

    @classmethod
    def of(cls, report: DriftReport, deployed: Deployed | None = None) -> EvaluationSummary:
        """Return the summary of a report, and of what is known of the deployment."""
        return cls(
            rows=report.rows,
            verdict=report.verdict,
            deployed=deployed,
            features={
                name: FeatureSummary(
                    f.severity, f.psi, f.effect, f.importance, f.harmless, f.diagnosis
                )
                for name, f in report.features.items()
            },
            performance=report.performance,
            labels=report.labels,
        )

    @classmethod
    def of_document(cls, report: str) -> EvaluationSummary:
        """Return the summary of a report's JSON.

        Raises:
            StoreError: where that is damaged.
        """
        try:
            return cls.of(DriftReport.from_dict(from_json(report)))
        except (ValueError, FormatError) as error:
            raise StoreError(f"a row of the store is damaged: {error}") from error

    def ranked(self) -> list[str]:
        """Return the features worst first: by severity, then importance-weighted PSI."""
        return sorted(self.features, key=self._rank)

    def _rank(self, name: str) -> tuple[int, float, str]:
        found = self.features[name]
        weight = 1.0 if found.importance is None else found.importance
        return SEVERITIES.index(found.severity), -(found.psi or 0.0) * weight, name

    def to_json(self) -> str:
        """Return the summary as JSON."""
        body: dict[str, Any] = {
            "rows": self.rows,
            "verdict": self.verdict,
            "features": self.features,
        }
        if self.deployed is not None:
            body["deployed"] = self.deployed.to_dict()
        if self.performance:
            told = {name: asdict(metric) for name, metric in self.performance.items()}
            body["performance"] = {name: _without_nothing(one) for name, one in told.items()}
        if self.labels is not None:
            body["labels"] = asdict(self.labels)
        return to_json(body).decode()

    @classmethod
    def from_json(cls, text: str) -> EvaluationSummary:
        """Read what `to_json` wrote, now or before it told as much.

        Raises:
            StoreError: where the text is damaged.
        """
        try:
            body = from_json(text)
            found = body["features"].items()
            metrics, labels = body.get("performance", {}), body.get("labels")
            return cls(
                rows=body["rows"],
                verdict=body["verdict"],
                features={name: FeatureSummary(*told) for name, told in found},
                deployed=Deployed.from_dict(body["deployed"]) if "deployed" in body else None,
                performance={
                    name: PerformanceMetric(name=name, **told) for name, told in metrics.items()
                },
                labels=None if labels is None else LabelFindings(**labels),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"a row of the store is damaged: {error!r}.") from error


def _without_nothing(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of one measure, whose name is told already."""
    return {key: value for key, value in told.items() if value is not None and key != "name"}
