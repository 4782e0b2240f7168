"""The changes that a report tells of its features."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch.report.changes import QUANTILES
from tests.report.conftest import table

MOMENTS: dict[str, Callable[[npt.NDArray[np.float64]], float]] = {
    "mean": lambda rows: float(rows.mean()),
    "standard_deviation": lambda rows: float(rows.std(ddof=1)),
    "minimum": lambda rows: float(rows.min()),
    "maximum": lambda rows: float(rows.max()),
}


@pytest.mark.parametrize("name", ["distance", "rain", "score"])
def test_numbers_are_those_of_the_rows(report: mw.DriftReport, name: str) -> None:
    """Moments are exact, quantiles within one bin of those of the raw rows."""
    before, now = table(0, 4_000)[name], table(1, 1_000, shift=0.8)[name]
    changes = report.changes(name)
    for statistic, of in MOMENTS.items():
        change = changes[statistic]
        assert (change.reference, change.current) == pytest.approx((of(before), of(now)))
    for quantile, share in QUANTILES.items():
        change = changes[quantile]
        assert np.mean(now <= change.current) == pytest.approx(
            max(share, np.mean(now <= 0)), abs=0.02
        )
        assert change.lower is not None
        assert change.upper is not None
        assert change.lower <= change.current <= change.upper


def test_whole_numbers_have_whole_quantiles(report: mw.DriftReport) -> None:
    """The quantiles of hours and flags are hours and flags."""
    for name in ("hour", "flag"):
        before, now = table(0, 4_000)[name], table(1, 1_000, shift=0.8)[name]
        for quantile, share in QUANTILES.items():
            change = report.changes(name)[quantile]
            assert change.reference == np.quantile(before, share, method="inverted_cdf")
            assert change.current == np.quantile(now, share, method="inverted_cdf")


def test_constants_and_categories(report: mw.DriftReport) -> None:
    """A constant has no width; categories have the share of missing values alone."""
    constant = report.changes("constant")
    assert (constant["mean"].lower, constant["mean"].upper) == (7.0, 7.0)
    assert list(report.changes('[bold]<b>&"é')) == ["missing_rate"]
    assert report.changes("distance")["minimum"].lower is None


def test_clustered_rows_widen_the_interval() -> None:
    """Where the baseline's blocks stray, the mean is told as less sure than of independent rows."""
    levels = np.repeat(np.random.default_rng(5).normal(size=200), 100)
    baseline = mw.Baseline.fit({"x": levels + np.zeros(20_000)}, model="m", version="1")
    now = mw.compare(baseline, {"x": levels[:1_000]})
    change = now.changes("x")["mean"]
    assert change.lower is not None
    assert change.upper is not None
    independent = 1.96 * np.std(levels[:1_000], ddof=1) / np.sqrt(1_000)
    assert change.upper - change.lower > 8 * independent


@pytest.mark.parametrize("values", [[None] * 60, [float("nan")] * 60])
def test_without_values_only_what_is_missing_is_told(
    baseline: mw.Baseline, values: list[float | None]
) -> None:
    """A column without a value has a missing share of 1 and no moments."""
    data = {**table(3, 60), "distance": values}
    changes = mw.compare(baseline, data).changes("distance")
    assert list(changes) == ["missing_rate"]
    assert changes["missing_rate"].current == 1.0


def test_one_row_has_a_mean_without_interval(baseline: mw.Baseline) -> None:
    """Of one row no spread is told, and nothing that is not finite."""
    changes = mw.compare(baseline, table(3, 1)).changes("distance")
    assert changes["mean"].lower is None
    assert "standard_deviation" not in changes


def test_a_sender_without_baseline_has_changes_too(baseline: mw.Baseline) -> None:
    """Numbers on exponential bins are brought onto the baseline's."""
    free = mw.Profile.empty("m<odel>", "1")
    data = table(2, 4_000)
    free.update({"distance": data["distance"]})
    report = dataclasses.replace(mw.compare(baseline, data), current=free)
    changes = report.changes("distance")
    assert changes["median"].current == pytest.approx(np.median(data["distance"]), rel=0.05)
    assert report.changes("hour") == {}


def test_a_report_from_a_document_says_why_not(report: mw.DriftReport) -> None:
    """Without statistics, and of an unknown feature, the error names the remedy."""
    read = mw.DriftReport.from_dict(report.to_dict())
    with pytest.raises(ConfigurationError, match=r"'hour' are not known.*compare\(\)"):
        read.changes("hour")
    with pytest.raises(ConfigurationError, match=r"no feature 'hours': give one of .*'hour'"):
        report.changes("hours")
