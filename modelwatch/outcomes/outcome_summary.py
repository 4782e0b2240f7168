"""What joined rows come to: a summary that merges, and from which rows can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.outcomes.custom_metrics import CustomMetrics, MetricMoments
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.label_delays import LabelDelays
from modelwatch.outcomes.read_rows import ReadRows, judging_performance
from modelwatch.performance.error_cells import ErrorCells
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.performance_columns import labels_together

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["OutcomeSummary"]

FORMAT: Final = "modelwatch.outcomes"
FORMAT_VERSION: Final = 1

LARGEST_BYTES: Final = 16_000_000
"""Of a summary's JSON: a damaged one must not fill the memory."""

LEAST_KEPT: Final = 1e-10
"""The share of the squared deviations that must be left when rows are taken away: with less, the
rest has fewer than six digits."""

Labelled = LabelledSummary | RegressionSummary


@dataclass
class _Parts:
    """What `PerformanceColumns` folds rows into."""

    labelled: Labelled | None
    scores: ScoreSummary | None = None
    quadratic: QuadraticMoments | None = None


class OutcomeSummary:
    """Joined rows of one version, segment and window, summed up. Not thread-safe.

    Merging adds and is associative and commutative, to rounding in sums of scores and losses.
    `remove` takes rows away exactly from all counts and from errors by feature, and to rounding
    from the moments. Memory: that of `LabelledSummary` or `RegressionSummary`, and 288 bytes a
    feature.

    Attributes:
        baseline: by which rows are read.
        labelled: the metrics' counts and moments, as `Profile.labelled` has them of the same rows.
        delays: labels by the time that they took.
        errors: by cells of features that were captured, and of the predicted numbers.
        metrics: what custom metrics come to, by name.
        rows: joined rows, also those whose label or prediction is of no use.
        is_worn: whether rows were taken away against which the rest is so small that digits of its
            moments were lost: sum the rest up anew.
    """

    __slots__ = (
        "_custom",
        "baseline",
        "delays",
        "errors",
        "is_worn",
        "labelled",
        "metrics",
        "rows",
    )

    def __init__(
        self, baseline: Baseline, labelled: Labelled, errors: ErrorCells, custom: CustomMetrics
    ) -> None:
        self.baseline = baseline
        self.labelled = labelled
        self.delays = LabelDelays()
        self.errors = errors
        self.metrics: dict[str, MetricMoments] = {}
        self.rows = 0
        self.is_worn = False
        self._custom = custom

    @classmethod
    def empty(cls, baseline: Baseline, *, custom: CustomMetrics | None = None) -> OutcomeSummary:
        """Return a summary of no rows.

        Args:
            baseline: one for which `can_be_judged` is true.
            custom: metrics to compute besides the built-in ones.

        Raises:
            ConfigurationError: where the baseline tells nothing of performance.
        """
        labelled = judging_performance(baseline).empty_labelled()
        errors = ErrorCells(baseline.error_features)
        return cls(baseline, labelled, errors, custom or CustomMetrics())

    def update(self, rows: JoinedRows) -> None:
        """Fold in joined rows; outputs and features that the baseline lacks are passed over."""
        if not rows.rows:
            return
        read = ReadRows.of(rows, self.baseline)
        read.read.update(_Parts(self.labelled), read.columns, rows.labels)
        self.delays.update(rows.predicted_ns, rows.labelled_ns)
        self.rows += rows.rows
        codes = {
            cells.name: read.read.cell_codes(read.columns[cells.name], cells)
            for cells in self.errors.features
            if cells.name in read.columns
        }
        self.errors.update(codes, read.errors)
        self._update_metrics(read, rows.rows)

    def remove(self, rows: JoinedRows) -> None:
        """Take away rows that were folded in, with the labels and outputs that they then had.

        Raises:
            ProfileMismatch: where they cannot have been; nothing is changed then.
        """
        part = OutcomeSummary.empty(self.baseline, custom=self._custom)
        part.update(rows)
        rest = self._without(part)
        for name in self.__slots__:
            setattr(self, name, getattr(rest, name))

    def merge(self, other: OutcomeSummary) -> OutcomeSummary:
        """Return the summary of both.

        Raises:
            ProfileMismatch: where their baselines differ.
        """
        self._check_same(other)
        labelled = labels_together(self.labelled, other.labelled)
        errors = self.errors.merge(other.errors)
        result = OutcomeSummary(self.baseline, labelled, errors, self._custom)
        result.delays = self.delays.merge(other.delays)
        result.rows = self.rows + other.rows
        result.is_worn = self.is_worn or other.is_worn
        result.metrics = dict(self.metrics)
        for name, moments in other.metrics.items():
            found = result.metrics.get(name)
            result.metrics[name] = moments if found is None else found.merge(moments)
        return result

    def to_bytes(self) -> bytes:
        """Return the summary, packed: some 1 kB of a thousand rows. See `from_bytes`."""
        labelled = self.labelled.to_dict()
        for cells in labelled.get("cells", ()):
            del cells["bin_edges"]  # the baseline has them
        body: dict[str, Any] = {
            "baseline_id": self.baseline.id,
            "rows": self.rows,
            "labelled": labelled,
            "delays": np.trim_zeros(self.delays.counts, "b").tolist(),
            "errors": self.errors.to_dict(),
            "metrics": {name: one.to_dict() for name, one in self.metrics.items()},
            "is_worn": self.is_worn,
        }
        return document.dump_packed(FORMAT, FORMAT_VERSION, body)

    @classmethod
    def from_bytes(
        cls, packed: bytes, baseline: Baseline, *, custom: CustomMetrics | None = None
    ) -> OutcomeSummary:
        """Read what `to_bytes` made.

        Args:
            packed: the bytes.
            baseline: the one that the rows were summed up for.
            custom: metrics to compute of further rows.

        Raises:
            FormatError: where the bytes are damaged, of a newer format version, or of another
                baseline.
            ConfigurationError: where the baseline tells nothing of performance.
        """
        result = cls.empty(baseline, custom=custom)
        body = document.load_packed(
            packed,
            FORMAT,
            FORMAT_VERSION,
            where="a summary of outcomes",
            most_bytes=LARGEST_BYTES,
        )
        found = document.text(body, "baseline_id")
        if found != baseline.id:
            raise FormatError(f"the outcomes are of baseline {found}, not of {baseline.id}.")
        try:
            result._read(body)
        except (FormatError, ProfileMismatch) as error:
            raise FormatError(f"the outcomes are damaged: {error}.") from error
        return result

    def _read(self, body: Body) -> None:
        labelled = document.object_of(body, "labelled")
        empty = self.labelled
        if isinstance(empty, LabelledSummary):
            edges = [cells.bin_edges.tolist() for cells in empty.cells.values()]
            parts = document.objects(labelled, "cells")
            if len(parts) != len(edges):
                document.refuse(labelled, "cells", f"the cells of {len(edges)} classes")
            cells = [{**part, "bin_edges": one} for part, one in zip(parts, edges, strict=True)]
            self.labelled = LabelledSummary.from_dict({**labelled, "cells": cells})
        else:
            self.labelled = RegressionSummary.from_dict(labelled)
        labels_together(empty, self.labelled)
        counts = document.counts(body, "delays")
        padding = self.delays.counts.size - len(counts)
        self.delays = LabelDelays.from_counts([*counts, *[0] * padding])
        self.errors = ErrorCells.from_dict(
            document.object_of(body, "errors"), self.baseline.error_features
        )
        metrics = document.object_of(body, "metrics")
        self.metrics = {
            name: MetricMoments.from_dict(document.object_of(metrics, name)) for name in metrics
        }
        self.rows = document.count(body, "rows")
        self.is_worn = document.flag(body, "is_worn")

    def _check_same(self, other: OutcomeSummary) -> None:
        if self.baseline is not other.baseline and self.baseline.id != other.baseline.id:
            raise ProfileMismatch(
                f"outcomes of baselines {self.baseline.id} and {other.baseline.id} cannot be put "
                "together: sum the rows up for one of them."
            )

    def _without(self, part: OutcomeSummary) -> OutcomeSummary:
        labelled = _rest(self.labelled, part.labelled)
        errors = self.errors.without(part.errors)
        result = OutcomeSummary(self.baseline, labelled, errors, self._custom)
        result.delays = self.delays.without(part.delays)
        result.rows = self.rows - part.rows
        result.is_worn = self.is_worn or _is_worn(self.labelled, labelled)
        for name, moments in self.metrics.items():
            gone = part.metrics.get(name, MetricMoments())
            is_whole = moments.rows == self.rows and gone.rows == part.rows
            rest = moments.without(gone) if is_whole else None
            if rest is None:
                result.is_worn = True
            else:
                result.metrics[name] = rest
        if not result.rows:
            result.is_worn, result.metrics = False, {}
        return result

    def _update_metrics(self, read: ReadRows, rows: int) -> None:
        if not self._custom.metrics:
            return
        scores = read.scores
        if scores is not None and scores.shape[1] == 1:
            scores = scores[:, 0]
        for name, values in self._custom.values(read.labels, read.predictions, scores).items():
            self.metrics.setdefault(name, MetricMoments()).update(values, rows)


def _rest(whole: Labelled, part: Labelled) -> Labelled:
    if isinstance(whole, LabelledSummary) and isinstance(part, LabelledSummary):
        return whole.without(part)
    if isinstance(whole, RegressionSummary) and isinstance(part, RegressionSummary):
        return whole.without(part)
    raise ProfileMismatch("labelled rows of a classification and of a regression differ.")


def _is_worn(whole: Labelled, rest: Labelled) -> bool:
    """Tell whether so little is left of some squared deviations that it lost its digits.

    The losses of a classifier are bounded, so that theirs do not.
    """
    if not isinstance(whole, RegressionSummary) or not isinstance(rest, RegressionSummary):
        return False
    before, after = whole.joint.m2.diagonal(), rest.joint.m2.diagonal()
    return rest.rows > 1 and bool(np.any((before > 0) & (after < LEAST_KEPT * before)))
