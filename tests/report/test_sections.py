"""The tables beside that of the features."""

from __future__ import annotations

import dataclasses

import pytest

import modelwatch as mw
from modelwatch.performance.conditions import CBPE_CONDITIONS
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.sections import sections_of


def test_empty_where_there_is_nothing(report: mw.DriftReport) -> None:
    """A report of features alone has no other table."""
    bare = dataclasses.replace(report, multivariate={}, performance={}, segments={})
    found = sections_of(bare)
    assert (found.multivariate, found.performance, found.segments) == ([], [], [])
    assert (found.has_labels, found.has_estimates, found.conditions) == (False, False, [])


def test_statistics_of_all_together(full: mw.DriftReport) -> None:
    """Worst first, with value, interval, features and what was found; too few rows are told."""
    first, second, third = sections_of(full).multivariate
    assert (first.name, first.word, first.value) == ("Correlations", "drift", "0.310")
    assert (first.interval, first.p) == ("0.250 to 0.370", "<0.001")
    assert "<i>hour" in first.found
    assert second.found == "too few complete rows to judge: 12"
    assert (third.name, third.interval, third.found) == ("Means", "", "")


def test_features_are_named_once(full: mw.DriftReport) -> None:
    """Features that a finding does not name stand beside it; of calm statistics none do."""
    found = full.multivariate["correlation"]
    silent = dataclasses.replace(found, diagnosis=None)
    calm = dataclasses.replace(found, severity="none")
    told = dataclasses.replace(full, multivariate={"a": found, "b": silent, "c": calm})
    assert [row.features for row in sections_of(told).multivariate] == [
        "",
        "distance, <i>hour",
        "",
    ]


def test_performance_rows(full: mw.DriftReport) -> None:
    """Each measure has what is known of it; a condition that several share is told once."""
    found = sections_of(full)
    rows = {row.name: row for row in found.performance}
    assert rows["ROC AUC"].changed == "worse, beyond chance"
    assert rows["ROC AUC"].tone == "warning"
    assert (rows["Accuracy"].estimated, rows["Accuracy"].realized) == ("0.800", "0.805")
    assert (rows["Brier score"].estimated, rows["Brier score"].strip) == ("\u2013", None)
    assert rows["Matthews correlation"].changed == ""
    assert found.conditions == [CBPE_CONDITIONS]
    assert found.has_labels
    assert found.has_estimates


def test_strips_keep_the_order_of_their_marks(full: mw.DriftReport) -> None:
    """Marks lie on the strip, in the order of their values, whatever these are."""
    (strip,) = [row.strip for row in sections_of(full).performance if row.name == "ROC AUC"]
    assert strip is not None
    assert 0 < strip.low < strip.value < strip.high < strip.reference < 1
    assert strip.description == (
        "ROC AUC: baseline 0.741, estimated 0.702, 95% interval 0.684 to 0.719"
    )


def test_strips_show_how_sure_the_reference_is(full: mw.DriftReport) -> None:
    """An interval of the reference is on the strip too; an exact one has no width."""
    metric = PerformanceMetric(
        name="f1",
        reference=0.5,
        estimated=0.5,
        lower=0.4,
        upper=0.6,
        reference_lower=0.3,
        reference_upper=0.7,
    )
    (row,) = sections_of(dataclasses.replace(full, performance={"f1": metric})).performance
    assert row.strip is not None
    assert 0 < row.strip.reference_low < row.strip.low
    assert row.strip.high < row.strip.reference_high < 1
    exact = next(row.strip for row in sections_of(full).performance if row.strip)
    assert exact.reference_low == exact.reference == exact.reference_high


@pytest.mark.parametrize("value", [0.0, 1.0, -3e9, 1e-12])
def test_strips_of_one_point(full: mw.DriftReport, value: float) -> None:
    """Where all marks coincide they lie in the middle."""
    metric = PerformanceMetric(
        name="bias", reference=value, realized=value, lower=value, upper=value
    )
    (row,) = sections_of(dataclasses.replace(full, performance={"bias": metric})).performance
    assert row.strip is not None
    assert {row.strip.reference, row.strip.low, row.strip.high, row.strip.value} == {0.5}


def test_segments_are_worst_first(full: mw.DriftReport) -> None:
    """Each segment has its verdict and the features that moved there."""
    rows = sections_of(full).segments
    assert [row.name for row in rows] == ["carrier=<UA>", "carrier=HA", "carrier=DL"]
    assert rows[0].names == "distance"
    assert rows[1].sentence == "Too few rows to judge any feature"
    assert [row.tone for row in rows] == ["drift", "insufficient_data", "none"]
    new = dataclasses.replace(full, segments={"a": dataclasses.replace(full, note="is new")})
    assert sections_of(new).segments[0].note == "is new"
