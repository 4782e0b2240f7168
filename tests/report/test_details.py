"""All numbers of one feature."""

from __future__ import annotations

import dataclasses

import modelwatch as mw
from modelwatch.report.details import details_of
from modelwatch.report.drift_report import FeatureDrift
from modelwatch.report.rows import feature_rows
from tests.report.conftest import table


def test_every_number_is_told(report: mw.DriftReport) -> None:
    """Distances, tests and plain statistics of a number are there, in words."""
    (row,) = [
        row
        for row in feature_rows(report, baseline=report.baseline, current=report.current)
        if row.name == "distance"
    ]
    assert [change.name for change in row.details.changes] == [
        "Mean",
        "Standard deviation",
        "Minimum",
        "5% quantile",
        "25% quantile",
        "Median",
        "75% quantile",
        "95% quantile",
        "Maximum",
        "Missing",
    ]
    mean, minimum = row.details.changes[0], row.details.changes[2]
    assert mean.current == f"{table(1, 1_000, shift=0.8)['distance'].mean():.4g}"
    assert " to " in mean.interval
    assert minimum.interval == ""
    assert row.details.changes[-1].interval.startswith("0% to ")
    assert len(row.details.distances) == 9
    assert {name for name, _ in row.details.tests} >= {"Chi-square", "Normal scores"}


def test_what_is_not_known_is_left_out() -> None:
    """A finding without numbers has no details; a report from a document has no changes."""
    nothing = FeatureDrift(name="x", role="input", kind="numeric", rows=0)
    assert details_of(nothing, None, None, None).is_empty
    told = details_of(dataclasses.replace(nothing, psi=0.25), None, None, None)
    assert (told.changes, told.distances) == ([], [("PSI", "0.250")])
    assert not told.is_empty
