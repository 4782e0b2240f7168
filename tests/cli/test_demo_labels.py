from __future__ import annotations

import io

import pytest
from rich.console import Console

from modelwatch.cli.demo_labels import METRIC, Labelled, faults_of_labels, performance_table
from modelwatch.cli.demo_story import STORY, Chapter
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import LabelFindings

DROP = "input drift explains none of the 0.22 drop in AUC: the relation has changed"


def labelled(
    *, changed: bool, verdict: str | None, labels: int = 96, realized: float | None = 0.46
) -> Labelled:
    """Return a phase of 100 predictions."""
    metric = PerformanceMetric(
        name=METRIC,
        reference=0.69,
        estimated=0.68,
        realized=realized,
        lower=0.35,
        upper=0.57,
        verdict=verdict,
        explained=DROP,
    )
    report = DriftReport(
        model="m",
        version="1",
        baseline_id="b",
        start_ns=0,
        end_ns=1,
        rows=100,
        features={},
        performance={METRIC: metric},
        labels=LabelFindings(predictions=100, labelled=labels),
    )
    chapter = Chapter(phase="one", month="May", told="Told.", relation_changed=changed)
    return Labelled(chapter=chapter, report=report)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [(True, "concept drift"), (True, "both"), (False, "no change"), (False, "data drift")],
)
def test_what_was_done_is_no_fault(changed: bool, verdict: str) -> None:
    """A changed relation that is told, and an unchanged one that is not, are as they should be."""
    assert faults_of_labels([labelled(changed=changed, verdict=verdict)]) == []


def test_a_relation_that_did_not_change_is_a_fault() -> None:
    """Concept drift that nobody made, and such that is not found, are named."""
    (wrong,) = faults_of_labels([labelled(changed=False, verdict="concept drift")])
    assert wrong.startswith("one: the relation is said to have changed, and did not: input drift")
    (unseen,) = faults_of_labels([labelled(changed=True, verdict="no change")])
    assert unseen.startswith("one: the relation changed, and is said to be 'no change'")


def test_labels_that_are_lost_are_a_fault() -> None:
    """Too few labels, and performance that is not told by labels, are named."""
    (few,) = faults_of_labels([labelled(changed=True, verdict="concept drift", labels=80)])
    assert few == "one: 80% of the predictions have a label, not 90%."
    (none,) = faults_of_labels([labelled(changed=False, verdict=None, realized=None)])
    assert none == "one: roc_auc is not told, estimated and realised."


def test_the_table_shows_estimate_and_truth() -> None:
    """Each phase has its month, labels, both figures and what they come to."""
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(performance_table([labelled(changed=True, verdict="concept drift")]))
    lines = [line for line in console.export_text().splitlines() if line.strip()]
    assert lines[2].split()[:8] == ["one", "May", "96.0%", "0.680", "0.460", "0.350", "to", "0.570"]
    assert DROP in lines[2]


def test_the_relation_changes_in_the_last_phase_alone() -> None:
    """No input differs in it from training, so that labels alone can tell."""
    assert [chapter.relation_changed for chapter in STORY] == [False] * (len(STORY) - 1) + [True]
    assert STORY[-1].expected == {}
