"""When a difference is drift."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number, whole

__all__ = ["Thresholds"]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When a difference is drift: both evidence and effect are needed.

    Attributes:
        psi_warning: PSI above its noise floor, given how much the baseline's blocks vary, from
            which a proven difference is a warning. The share of missing values and of outliers is
            judged by the same measure, on the two cells "is" and "is not".
        psi_drift: from which it is drift.
        false_discovery_rate: largest expected share of false ones among the features found, in
            (0, 1); a tenth of it for those that are called drift and not just a warning.
        correlation_warning: change of a correlation from which a proven one is a warning.
        correlation_drift: from which it is drift.
        mean_warning: distance of the means of all numeric inputs together (Mahalanobis), in
            standard deviations, from which a proven one is a warning.
        mean_drift: from which it is drift.
        reconstruction_warning: relative change of the reconstruction error, up or down to its
            inverse, from which a proven one is a warning.
        reconstruction_drift: from which it is drift.
        minimum_rows: with fewer current rows nothing is judged: insufficient_data.
        harmless_importance: share of the summed importances, in [0, 1], below which a feature's
            drift is called harmless, and is a warning at most.

    Raises:
        ConfigurationError: where one is no number, or out of range.
    """

    psi_warning: float = 0.1
    psi_drift: float = 0.25
    false_discovery_rate: float = 0.01
    correlation_warning: float = 0.1
    correlation_drift: float = 0.2
    mean_warning: float = 0.3
    mean_drift: float = 0.5
    reconstruction_warning: float = 0.1
    reconstruction_drift: float = 0.25
    minimum_rows: int = 50
    harmless_importance: float = 0.01

    def __post_init__(self) -> None:
        for name in ("psi", "correlation", "mean", "reconstruction"):
            for limit in (f"{name}_warning", f"{name}_drift"):
                _check_limit(limit, getattr(self, limit))
            low, high = getattr(self, f"{name}_warning"), getattr(self, f"{name}_drift")
            if low > high:
                raise ConfigurationError(
                    f"{name}_warning {low} and {name}_drift {high}: give numbers of zero or more, "
                    "the first not above the second."
                )
        number("false_discovery_rate", self.false_discovery_rate, above=0.0, under=1.0)
        whole("minimum_rows", self.minimum_rows, 1)
        number("harmless_importance", self.harmless_importance, least=0.0, most=1.0)


def _check_limit(name: str, value: object) -> None:
    """Take an infinite limit too: what is never beyond it is never judged by it."""
    if not (isinstance(value, float) and value == math.inf):
        number(name, value, least=0.0)
