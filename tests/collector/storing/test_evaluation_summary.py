from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.errors import StoreError
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import LabelFindings


def finding(name: str, severity: Severity, **found: object) -> FeatureDrift:
    """Return what was found of a feature."""
    known = {"name": name, "role": "input", "kind": "numeric", "rows": 9, "severity": severity}
    return FeatureDrift.of({**known, **found})


FEATURES = [
    finding("calm", "none", psi=0.01),
    finding("small", "drift", psi=0.9, importance=0.1, diagnosis="missing: \ud800"),
    finding("large", "drift", psi=0.5, importance=0.9, harmless=True),
    finding("unjudged", "insufficient_data"),
    finding("warned", "warning", psi=2.0),
]
REPORT = DriftReport(
    model="m",
    version="1",
    baseline_id="b",
    start_ns=0,
    end_ns=60,
    rows=9,
    features={one.name: one for one in FEATURES},
)


def test_a_summary_comes_back() -> None:
    """What is written is read again, texts that UTF-8 cannot write too."""
    summary = EvaluationSummary.of(REPORT)
    assert EvaluationSummary.from_json(summary.to_json()) == summary
    assert summary.features["small"].diagnosis == "missing: \ud800"


def test_a_summary_without_diagnoses_is_read() -> None:
    """A store that an earlier release wrote has no diagnosis of a feature."""
    body = json.loads(EvaluationSummary.of(REPORT).to_json())
    body["features"] = {name: told[:5] for name, told in body["features"].items()}
    found = EvaluationSummary.from_json(json.dumps(body))
    assert found.features["large"].harmless
    assert found.features["small"].diagnosis is None


def test_features_are_ranked_as_in_the_report() -> None:
    """The worst come first, weighted by importance where that is known."""
    assert EvaluationSummary.of(REPORT).ranked() == [one.name for one in REPORT.ranked()]


@pytest.mark.parametrize("text", ["", "[]", '{"rows": 1}', '{"features": {"x": [1]}, "rows": 1}'])
def test_what_is_no_summary_is_damage(text: str) -> None:
    """A damaged row of the store is told as that."""
    with pytest.raises(StoreError, match="damaged"):
        EvaluationSummary.from_json(text)


def test_performance_and_labels_come_back() -> None:
    """What was realised of a window is known without its report; older summaries tell none."""
    metric = PerformanceMetric(name="f1", reference=0.5, realized=0.4, verdict="concept drift")
    labels = LabelFindings(predictions=9, labelled=4)
    summary = EvaluationSummary.of(replace(REPORT, performance={"f1": metric}, labels=labels))
    found = EvaluationSummary.from_json(summary.to_json())
    assert found == summary
    assert found.performance["f1"] == metric
    assert found.labels == labels
    older = EvaluationSummary.from_json(EvaluationSummary.of(REPORT).to_json())
    assert (older.performance, older.labels) == ({}, None)
