"""Metrics that others define."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.outcomes.custom_metrics import CustomMetrics
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from tests.labelled_tables import binary_table, is_yes
from tests.outcomes.joined_tables import BASELINES, joined, summed

Table = dict[str, Any]


def test_custom_metrics_are_means_of_their_values() -> None:
    """A metric is computed of all rows; where it is not defined a row counts as such."""
    table, baseline = binary_table(6, 500), BASELINES["binary"]

    def cost(labels: Any, predictions: Any, scores: Any) -> Any:
        missed = (labels == "yes") & (predictions == "no")
        return np.where(scores > 0.9, np.nan, np.where(missed, 100.0, 1.0))

    custom = CustomMetrics(metrics={"cost": cost})
    summary = OutcomeSummary.empty(baseline, custom=custom)
    rows = joined(table, baseline)
    summary.update(rows)
    missed = is_yes(table, "label") & ~is_yes(table, "predicted")
    defined = table["score"] <= 0.9
    values = np.where(missed, 100.0, 1.0)[defined]
    found = summary.metrics["cost"]
    assert (found.moments.n, found.undefined) == (defined.sum(), (~defined).sum())
    assert found.moments.mean == pytest.approx(values.mean())
    estimate = found.estimate(design_effect=2.0)
    assert estimate is not None
    error = values.std(ddof=1) * math.sqrt(2 / values.size)
    assert estimate.upper - estimate.value == pytest.approx(1.96 * error, rel=1e-3)
    again = OutcomeSummary.from_bytes(summary.to_bytes(), baseline, custom=custom)
    assert again.metrics["cost"].moments.mean == found.moments.mean
    again.remove(joined(table, baseline, range(100)))
    assert again.metrics["cost"].moments.mean == pytest.approx(
        np.where(missed, 100.0, 1.0)[100:][defined[100:]].mean()
    )


def test_a_metric_that_fails_is_told_and_left_out() -> None:
    """The join goes on; the rows count as failed, and somebody hears why."""
    baseline, told = BASELINES["binary"], []

    def fails(labels: Any, predictions: Any, scores: Any) -> Any:
        raise KeyError("amount")

    def short(labels: Any, predictions: Any, scores: Any) -> Any:
        return [1.0]

    custom = CustomMetrics(
        metrics={"fails": fails, "short": short},
        on_fault=lambda name, error: told.append((name, str(error))),
    )
    summary = OutcomeSummary.empty(baseline, custom=custom)
    summary.update(joined(binary_table(0, 50), baseline))
    assert summary.labelled.rows == 50
    assert {name: one.failed for name, one in summary.metrics.items()} == {
        "fails": 50,
        "short": 50,
    }
    assert told[0] == ("fails", "'amount'")
    assert "return one number for each of 50" in told[1][1]


def test_a_metric_that_came_later_cannot_be_corrected() -> None:
    """Which of the rows it saw is not known: it is dropped, and the rows must be summed up anew."""
    baseline = BASELINES["binary"]
    table = binary_table(0, 50)
    summary = summed(joined(table, baseline, range(25)), baseline)
    custom = CustomMetrics(metrics={"one": lambda labels, *rest: np.ones(labels.size)})
    later = OutcomeSummary.from_bytes(summary.to_bytes(), baseline, custom=custom)
    later.update(joined(table, baseline, range(25, 50)))
    assert later.metrics["one"].rows == 25
    later.remove(joined(table, baseline, range(5)))
    assert later.is_worn
    assert not later.metrics


def test_too_many_metrics_or_none_that_can_be_called_are_refused() -> None:
    """A registry is checked when it is made."""
    with pytest.raises(ConfigurationError, match="20 are the most"):
        CustomMetrics(metrics={f"m{at}": lambda labels, *rest: labels for at in range(21)})
    broken: Any = {"m": 3}
    with pytest.raises(ConfigurationError, match="is a int"):
        CustomMetrics(metrics=broken)
