"""Which performance proves that drift does no harm."""

from __future__ import annotations

from typing import Any

import pytest

from modelwatch.report.findings import FeatureDrift, PerformanceMetric
from modelwatch.report.harm import performance_is_kept, surely_worse


def metric(name: str, value: float, width: float, **more: Any) -> PerformanceMetric:
    """Return a realised metric of a reference of .8 that is known to a hundredth."""
    known = {"reference": 0.8, "reference_lower": 0.79, "reference_upper": 0.81}
    return PerformanceMetric(
        name=name,
        **(known | {"realized": value, "lower": value - width, "upper": value + width} | more),
    )


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ([("accuracy", 0.8, 0.01)], True),
        ([("accuracy", 0.9, 0.01)], True),
        ([("accuracy", 0.77, 0.01)], False),
        ([("accuracy", 0.78, 0.03)], False),
        ([("accuracy", 0.8, 0.08)], False),
        ([("accuracy", 0.8, 0.01), ("roc_auc", 0.7, 0.01)], False),
        ([("accuracy", 0.8, 0.01), ("expected_calibration_error", 0.2, 0.01)], True),
        ([("expected_calibration_error", 0.8, 0.01)], False),
        ([("mae", 0.8, 0.01)], True),
        ([("mae", 0.7, 0.01)], True),
        ([("mae", 0.9, 0.01)], False),
        ([], False),
    ],
)
def test_surely_no_worse(found: list[tuple[str, float, float]], kept: bool) -> None:
    """No metric that decides may be worse, nor may a loss hide in its interval; better is fine."""
    metrics = {name: metric(name, value, width) for name, value, width in found}
    assert performance_is_kept(metrics, []) is kept


def test_a_tiny_proven_loss_is_no_harm() -> None:
    """On many rows everything differs: what is proven must matter too."""
    exact = {"reference_lower": 0.8, "reference_upper": 0.8}
    assert performance_is_kept({"accuracy": metric("accuracy", 0.797, 0.001, **exact)}, [])
    assert not performance_is_kept({"accuracy": metric("accuracy", 0.785, 0.001, **exact)}, [])


def test_what_is_not_known_proves_nothing() -> None:
    """A metric without a reference, or without an interval, is passed over."""
    assert not performance_is_kept({"accuracy": PerformanceMetric(name="accuracy")}, [])
    assert not performance_is_kept({"f1": metric("f1", 0.8, 0.01, reference=None)}, [])


def test_what_was_known_and_is_lost_is_not_kept() -> None:
    """A measure of the baseline that cannot be told now may be any worse."""
    lost = metric("roc_auc", 0.8, 0.01, realized=None, lower=None, upper=None)
    assert not performance_is_kept({"accuracy": metric("accuracy", 0.8, 0.01), "roc_auc": lost}, [])


@pytest.mark.parametrize(
    ("feature", "trusted"),
    [
        ({"missing_rate": 0.3, "tests": {"missing": 1e-9}}, False),
        ({"outlier_rate": 0.3, "tests": {"outliers": 1e-9}}, False),
        ({"outlier_rate": 0.03, "tests": {"outliers": 1e-9}}, True),
        ({"missing_rate": 0.3, "tests": {"missing": 0.5}}, True),
    ],
)
def test_estimates_are_trusted_where_the_baseline_had_rows(
    feature: dict[str, Any], trusted: bool
) -> None:
    """Values that are lost or outlying, beyond chance, are where nothing was learned."""
    drifted = [FeatureDrift(name="x", role="input", kind="numeric", rows=500, **feature)]
    estimated = metric("accuracy", 0.8, 0.01, realized=None, estimated=0.8)
    assert performance_is_kept({"accuracy": estimated}, drifted) is trusted
    assert performance_is_kept({"accuracy": metric("accuracy", 0.8, 0.01)}, drifted)


@pytest.mark.parametrize(
    ("value", "width", "changed"),
    [(0.8, 0.05, False), (0.812, 0.008, False), (0.82, 0.008, True), (0.78, 0.008, True)],
)
def test_a_change_regards_what_is_known_of_the_reference(
    value: float, width: float, changed: bool
) -> None:
    """The interval of the difference has the square root of both variances."""
    assert metric("accuracy", value, width).changed is changed


def test_labels_alone_make_performance_surely_worse() -> None:
    """Every measure that decides and is surely worse is named; estimates and losses by chance not.

    A measure that is better takes nothing away, nor does one that does not decide.
    """
    metrics = {
        "accuracy": metric("accuracy", 0.5, 0.02),
        "f1": metric("f1", 0.5, 0.02, realized=None, estimated=0.5),
        "mae": metric("mae", 1.1, 0.02),
        "recall": metric("recall", 0.1, 0.02),
        "roc_auc": metric("roc_auc", 0.77, 0.02),
    }
    assert [one.name for one in surely_worse(metrics)] == ["accuracy", "mae"]
    assert surely_worse({"accuracy": metric("accuracy", 0.9, 0.01)}) == []
    assert surely_worse({}) == []
