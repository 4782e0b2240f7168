from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from modelwatch.cli.demo_story import STORY, Chapter, faults_of_report, findings_table
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity

CHAPTER = Chapter(
    phase="broken", month="May", told="Told.", expected={"distance": "miles to kilometres"}
)


def drift(name: str, severity: Severity, diagnosis: str | None = None) -> FeatureDrift:
    """Return a feature at a severity."""
    return FeatureDrift(
        name=name,
        role="input",
        kind="numeric",
        rows=100,
        psi=0.5,
        ks=0.25,
        p_value=0.0001,
        severity=severity,
        diagnosis=diagnosis,
    )


def report(*features: FeatureDrift) -> DriftReport:
    """Return a report on the features."""
    return DriftReport(
        model="m",
        version="1",
        baseline_id="b",
        start_ns=0,
        end_ns=1,
        rows=100,
        features={feature.name: feature for feature in features},
    )


FOUND = drift("distance", "drift", "values are 1.609 times the baseline's (miles to kilometres)")


def test_what_was_done_and_nothing_else_is_no_fault() -> None:
    """The right finding passes, with warnings and quiet features beside it."""
    told = report(FOUND, drift("temp", "none"), drift("humid", "warning", "mean went up"))
    assert faults_of_report(CHAPTER, told) == []


def test_a_finding_too_many_is_a_fault() -> None:
    """A feature or output at drift to which nothing was done is named."""
    (fault,) = faults_of_report(CHAPTER, report(FOUND, drift("score", "drift", "mean went up")))
    assert fault == "broken: score is at drift, though nothing was done to it."


def test_a_finding_too_few_is_a_fault() -> None:
    """What was done must be at drift: a warning, or no word of it, will not do."""
    (weak,) = faults_of_report(CHAPTER, report(drift("distance", "warning", "shifted")))
    assert weak == "broken: distance is at warning, not at drift."
    (absent,) = faults_of_report(CHAPTER, report())
    assert absent == "broken: distance is not in the report."


def test_a_wrong_diagnosis_is_a_fault() -> None:
    """Drift for another reason than what was done is not taken for it."""
    (fault,) = faults_of_report(CHAPTER, report(drift("distance", "drift", "mean went up")))
    assert "diagnosed as 'mean went up', not as 'miles to kilometres'" in fault


def test_drift_that_is_taken_for_skew_is_a_fault() -> None:
    """What began with a later phase was not there since the deployment."""
    assert faults_of_report(CHAPTER, report(replace(FOUND, origin="drift"))) == []
    (fault,) = faults_of_report(CHAPTER, report(replace(FOUND, origin="skew")))
    assert fault == "broken: distance is taken for skew since the deployment."


def test_the_calm_chapter_allows_no_drift() -> None:
    """The first phase tells that undrifted traffic raises nothing."""
    calm = STORY[0]
    assert (calm.phase, calm.expected) == ("calm", {})


def test_the_table_shows_findings_first() -> None:
    """The table holds phase, feature, numbers, severity and what was found."""
    console = Console(width=120, record=True, file=io.StringIO())
    quiet = drift("temp", "none")
    console.print(findings_table(CHAPTER, report(quiet, FOUND)))
    lines = [line for line in console.export_text().splitlines() if line.strip()]
    assert lines[0].split()[:6] == ["phase", "feature", "PSI", "KS", "p", "severity"]
    assert lines[2].split()[:5] == ["broken", "distance", "0.500", "0.250", "<0.001"]
    assert "drift" in lines[2]
    assert "miles to kilometres" in lines[2]
    assert lines[3].split()[:4] == ["temp", "0.500", "0.250", "<0.001"]
    assert "no drift" in lines[3]
