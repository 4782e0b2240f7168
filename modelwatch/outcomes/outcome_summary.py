"""What joined rows come to: a summary that merges, and from which rows can be taken back."""

from __future__ import annotations

from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.regression_summary import RegressionSummary

__all__ = ["OutcomeSummary"]


class OutcomeSummary:
    """Joined rows of one version, segment and window, summed up. Not thread-safe.

    Attributes:
        labelled: the metrics' counts and moments.
    """

    labelled: LabelledSummary | RegressionSummary
