"""Whether drift does the model harm, as far as its performance tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from modelwatch.report.findings import FeatureDrift, PerformanceMetric

__all__ = [
    "DECIDING",
    "Tolerance",
    "is_surely_worse",
    "is_unknown",
    "performance_is_kept",
    "surely_worse",
]


class Tolerance(NamedTuple):
    """How much worse a metric may be without harm.

    Attributes:
        proven: largest loss that is let pass though it is beyond chance.
        hidden: largest loss that may hide in the interval: few rows prove nothing, so that they do
            not prove that there is no harm.
        relative: whether losses are shares of the reference, as those of errors.
    """

    proven: float
    hidden: float
    relative: bool = False


DECIDING: Final[Mapping[str, Tolerance]] = {
    "accuracy": Tolerance(0.01, 0.05),
    "f1": Tolerance(0.01, 0.05),
    "roc_auc": Tolerance(0.01, 0.05),
    "mae": Tolerance(0.02, 0.1, relative=True),
}
"""The metrics that decide: how often predictions are right, of the rare class too, how well scores
rank, and how large errors are. The others say no more of harm (precision and recall are both in f1,
rmse rests on a few rows) or something else: the calibration error and the losses of probabilities
may change while every decision stays as it was, and the share of a class alone moves average
precision. One of them that is worse is enough; a metric that is better does no harm."""

MOST_UNKNOWN = 0.05
"""Share of rows whose value of a drifted feature is missing or an outlier, beyond chance, from
which estimates without labels are not trusted: they know nothing of where the baseline had no
rows."""

PROVEN_P_VALUE = 0.01

SURELY = 3.290526731491926 / 1.959963984540054
"""The two-sided 99.9% point of the normal law over its 95% point."""


def performance_is_kept(
    metrics: Mapping[str, PerformanceMetric], drifted: Sequence[FeatureDrift]
) -> bool:
    """Tell whether the model surely does no worse than on its baseline.

    Realised metrics decide; without labels the estimated ones do, on their condition: that the
    mapping from inputs to truth is unchanged, and that the drifted features are where the baseline
    had rows and that no fault of the pipeline is named, both of which are checked.

    Args:
        metrics: by name; those that do not decide are passed over.
        drifted: the features in question.

    Returns:
        False where something is worse, or where that cannot be excluded.
    """
    deciding = [metrics[name] for name in DECIDING if name in metrics]
    if any(_is_lost(metric) for metric in deciding):
        return False
    estimated = any(metric.realized is None for metric in deciding)
    if estimated and any(is_unknown(feature) for feature in drifted):
        return False
    harms = [_may_harm(metric, DECIDING[metric.name]) for metric in deciding]
    known = [harm for harm in harms if harm is not None]
    return bool(known) and not any(known)


def _is_lost(metric: PerformanceMetric) -> bool:
    """Tell whether a measure was known of the baseline and cannot be told now."""
    is_known_now = metric.realized is not None or metric.estimated is not None
    return metric.reference is not None and not is_known_now


def surely_worse(metrics: Mapping[str, PerformanceMetric]) -> list[PerformanceMetric]:
    """Return the measures by which the model surely does worse than on its baseline, by labels.

    Estimates are passed over: they hold on a condition.
    """
    deciding = [metrics[name] for name in DECIDING if name in metrics]
    return [one for one in deciding if one.realized is not None and is_surely_worse(one)]


def is_surely_worse(metric: PerformanceMetric) -> bool:
    """Tell whether performance itself is to be called worse, on the strength of this measure.

    At 95% confidence one of several measures in many windows is worse by chance every now and then:
    here it must be at 99.9%, and by more than is tolerated.
    """
    tolerance, change = DECIDING.get(metric.name), metric.change
    if tolerance is None or change is None:
        return False
    low, gain, high = change
    least, loss = (low, gain) if tolerance.relative else (-high, -gain)
    unit = abs(metric.reference or 0.0) if tolerance.relative else 1.0
    return loss > SURELY * (loss - least) and loss > tolerance.proven * unit


def _may_harm(metric: PerformanceMetric, tolerance: Tolerance) -> bool | None:
    """Tell whether a metric may be worse by more than is tolerated; None where it is not known."""
    change = metric.change
    if change is None:
        return None
    low, gain, high = change
    least, loss, most = (low, gain, high) if tolerance.relative else (-high, -gain, -low)
    unit = abs(metric.reference or 0.0) if tolerance.relative else 1.0
    return (least > 0 and loss > tolerance.proven * unit) or most > tolerance.hidden * unit


def is_unknown(feature: FeatureDrift) -> bool:
    """Tell whether rows lie where the baseline had none, or mean something else than there.

    A fault of the pipeline, such as another unit, changes the mapping from inputs to truth. Of such
    rows nothing can be estimated without labels.
    """
    if feature.cause is not None and feature.role == "input":
        return True
    rates = {"missing": feature.missing_rate, "outliers": feature.outlier_rate}
    return any(
        rate > MOST_UNKNOWN and feature.tests.get(name, 1.0) < PROVEN_P_VALUE
        for name, rate in rates.items()
    )
