from __future__ import annotations

from dataclasses import replace

from modelwatch.collector.showing.label_metrics import label_metrics
from modelwatch.collector.showing.standing import LabelledStanding, Standing
from modelwatch.report.label_findings import ConceptFinding, LabelFindings
from tests.collector.showing.reports import report, standing, window

LABELS = LabelFindings(
    predictions=200, labelled=50, delay_median_seconds=60.0, delay_most_seconds=90.0
)


def told(found: Standing) -> dict[str, float]:
    """Return the samples of a version, without its name."""
    return {
        sample.name + sample.labels.get("quantile", ""): sample.value
        for family in label_metrics([found])
        for sample in family.samples
    }


def test_labels_are_those_of_the_window_that_is_realised() -> None:
    """Its end, how many have a label, and how late these came; since when errors are higher."""
    rise = ConceptFinding(
        detected_ns=9, began_ns=7 * 10**9, before=0.1, after=0.2, direction="rise", confidence=0.9
    )
    latest = replace(
        report({"a": "none"}),
        labels=LabelFindings(predictions=9, labelled=0),
        concept=(rise,),
    )
    by_labels = LabelledStanding(window=window(4), performance={}, labels=LABELS)
    found = replace(standing({"a": "none"}), report=latest, labelled=by_labels)
    assert told(found) == {
        "modelwatch_realized_window_end_timestamp_seconds": 300.0,
        "modelwatch_label_coverage_ratio": 0.25,
        "modelwatch_label_delay_seconds0.5": 60.0,
        "modelwatch_label_delay_seconds0.9": 90.0,
        "modelwatch_concept_changed_timestamp_seconds": 7.0,
    }
    without = replace(found, labelled=None)
    assert told(without)["modelwatch_label_coverage_ratio"] == 0.0


def test_a_version_without_labels_has_no_such_series() -> None:
    """Nothing is told of what nobody waits for."""
    assert told(replace(standing({"a": "none"}), labelled=None)) == {}
