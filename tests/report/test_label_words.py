"""What labels told, in words, and through JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest

import modelwatch as mw
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import ConceptFinding, LabelFindings
from modelwatch.report.label_words import (
    concept_words,
    coverage_words,
    duration_words,
    headline_metric,
    label_notes,
)
from modelwatch.report.remarks import remarks
from modelwatch.report.sections import sections_of
from modelwatch.report.wording import verdict

LABELS = LabelFindings(
    predictions=1_000, labelled=700, delay_median_seconds=7_200.0, delay_most_seconds=172_800.0
)
RISE = ConceptFinding(
    detected_ns=1_700_000_600 * 10**9,
    began_ns=1_700_000_000 * 10**9,
    before=0.05,
    after=0.12,
    direction="rise",
    confidence=0.998,
    rows_before=2_000,
    rows_after=300,
    where="errors rose most where amount is 10 to 50 (2% to 19%)",
)
WORSE = PerformanceMetric(
    name="accuracy",
    reference=0.9,
    estimated=0.88,
    estimated_lower=0.87,
    estimated_upper=0.89,
    realized=0.8,
    lower=0.79,
    upper=0.81,
    rows=700,
    verdict="both",
    explained="input drift explains 0.02 of the 0.10 drop in accuracy; the rest is a changed "
    "relation",
)


@pytest.fixture
def told(calm: mw.DriftReport) -> mw.DriftReport:
    """A calm report of a model whose labels prove it worse."""
    return dataclasses.replace(
        calm, performance={"accuracy": WORSE}, labels=LABELS, concept=(RISE,)
    )


def test_a_report_with_labels_comes_back_from_json(told: mw.DriftReport) -> None:
    """Labels, changes and verdicts are read as they were written; older reports have none."""
    found = DriftReport.from_dict(json.loads(json.dumps(told.to_dict())))
    assert (found.labels, found.concept) == (LABELS, (RISE,))
    assert found.performance == {"accuracy": WORSE}
    body = told.to_dict()
    del body["labels"], body["concept"]
    old = DriftReport.from_dict(body)
    assert (old.labels, old.concept) == (None, ())


def test_the_headline_says_that_inputs_do_not_explain_it(told: mw.DriftReport) -> None:
    """Worse than the inputs explain is said in the verdict, and why in the remarks."""
    assert verdict(told).sentence.endswith(
        "but performance is worse by more than the inputs explain"
    )
    found = {remark.subject: remark.text for remark in remarks(told)}
    assert found["Data and concept drift"].startswith("Accuracy: input drift explains 0.02")
    assert found["Errors"].startswith("errors rose from 0.050 to 0.120 about 2023-11-14 22:13 UTC")
    assert found["Errors"].endswith("amount is 10 to 50 (2% to 19%)")
    explained = dataclasses.replace(WORSE, verdict="data drift")
    report = dataclasses.replace(told, performance={"accuracy": explained}, concept=())
    assert verdict(report).sentence.endswith("but performance is worse")
    assert "Data drift" in {remark.subject for remark in remarks(report)}


@pytest.mark.parametrize("kind", ["no change", "not told"])
def test_no_news_is_no_remark(told: mw.DriftReport, kind: str) -> None:
    """What says that nothing changed, or nothing at all, takes no line of the headline."""
    quiet = dataclasses.replace(WORSE, verdict=kind)
    report = dataclasses.replace(told, performance={"accuracy": quiet}, concept=())
    assert not {"By labels", "Errors"} & {remark.subject for remark in remarks(report)}


def test_a_fall_of_errors_is_no_alarm(told: mw.DriftReport) -> None:
    """It is worded as what it is, and not remarked on."""
    fall = dataclasses.replace(RISE, direction="fall", before=0.12, after=0.05, where="")
    assert concept_words(fall).startswith("errors fell from 0.120 to 0.050")
    report = dataclasses.replace(told, concept=(fall, RISE))
    assert "Errors" not in {remark.subject for remark in remarks(report)}


def test_what_labels_are_worth_is_said_beside_the_measures(told: mw.DriftReport) -> None:
    """How many came and how late, that more are to come, and of which predictions they are."""
    biased = dataclasses.replace(LABELS, bias="labels are missing not at random")
    assert coverage_words(LABELS).endswith("within 2.0 hours, nine in ten within 2.0 days")
    notes = list(label_notes(dataclasses.replace(told, labels=biased)))
    assert notes == [
        f"{coverage_words(LABELS)}.",
        "Labels are still coming in: what is realised may change.",
        "Labels are missing not at random.",
    ]
    assert sections_of(told).labels == notes[:2]
    assert sections_of(told).performance[0].explained == WORSE.explained
    assert list(label_notes(dataclasses.replace(told, labels=None))) == []
    assert "input drift explains 0.02" in told.to_html()


@pytest.mark.parametrize(
    ("predictions", "labelled", "coverage", "is_partial"),
    [(0, 0, None, False), (10, 0, 0.0, True), (100, 95, 0.95, False), (5, 9, 1.0, False)],
)
def test_coverage(
    predictions: int, labelled: int, coverage: float | None, *, is_partial: bool
) -> None:
    """It is a share of the predictions, and labels are still to come below 95%."""
    found = LabelFindings(predictions=predictions, labelled=labelled)
    assert (found.coverage, found.is_partial) == (coverage, is_partial)
    assert coverage_words(found).startswith(f"{labelled} of ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 seconds"),
        (1.0, "1 second"),
        (59.4, "59 seconds"),
        (90.0, "1.5 minutes"),
        (86_400.0, "1 day"),
        (2_592_000.0, "30 days"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    """A duration is told in its largest unit."""
    assert duration_words(seconds) == words


def test_certainty_is_never_rounded_up() -> None:
    """No change is called certain."""
    sure = dataclasses.replace(RISE, confidence=1 - 1e-12)
    assert "(confidence above 99.99%)" in concept_words(sure)


def test_a_changed_relation_speaks_for_the_model() -> None:
    """The headline is the measure whose relation changed; without a verdict there is none."""
    calm = dataclasses.replace(WORSE, verdict="no change")
    auc = dataclasses.replace(WORSE, name="roc_auc", verdict="concept drift")
    assert headline_metric({"accuracy": calm, "roc_auc": auc}) == auc
    assert headline_metric({"accuracy": calm}) == calm
    assert headline_metric({"brier": dataclasses.replace(auc, name="brier")}) is None
    assert headline_metric({"accuracy": dataclasses.replace(WORSE, verdict=None)}) is None
