"""Whether labels are missing at random: labelled predictions against those without a label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.chi_square import chi_square, chi_square_p_value
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.ks import ks_statistic
from modelwatch.comparisons.psi import psi
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.score_cells import ScoreCells
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.sketches import Categories, Histogram

if TYPE_CHECKING:
    from modelwatch.profile import Profile

__all__ = ["LabelBias", "label_bias"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_ROWS: Final = 50
"""Rows on either side, below which nothing is told."""

LARGEST_P_VALUE: Final = 0.01
SMALLEST_PSI: Final = 0.1
"""Above its noise floor: from here on a proven difference is a warning, as that of a feature is."""

MOST_EXCESS: Final = 0.02
"""The share of labelled rows that may be missing among all rows: a window's edges may be told by
two clocks. With more the two are not of the same rows."""

TENTHS: Final = 10


@dataclass(frozen=True, kw_only=True)
class LabelBias:
    """How labelled predictions differ from those without a label. Immutable.

    Attributes:
        output: the score or prediction that differs the most.
        labelled_rows: predictions with a label.
        unlabelled_rows: those without.
        psi: population stability index of both, natural logarithm.
        psi_excess: `psi` above its noise floor, 0 or more.
        ks: Kolmogorov-Smirnov statistic of both, in [0, 1]; of classes half of the summed
            differences.
        p_value: the chance of such a difference if labels were missing at random.
        labelled_mean: mean of the output of those with a label; None of classes, and of numbers
            that are known by their bins alone.
        unlabelled_mean: of those without.
    """

    output: str
    labelled_rows: int
    unlabelled_rows: int
    psi: float
    psi_excess: float
    ks: float
    p_value: float
    labelled_mean: float | None = None
    unlabelled_mean: float | None = None

    @property
    def is_biased(self) -> bool:
        """Whether labels are missing not at random: beyond chance, and by enough to matter."""
        return self.p_value < LARGEST_P_VALUE and self.psi_excess >= SMALLEST_PSI

    @property
    def coverage(self) -> float:
        """Share of predictions with a label, in (0, 1)."""
        return self.labelled_rows / (self.labelled_rows + self.unlabelled_rows)

    @property
    def text(self) -> str:
        """What was found, in words."""
        whole = self.labelled_rows + self.unlabelled_rows
        told = f"{self.labelled_rows:,} of {whole:,} predictions"
        if not self.is_biased:
            return f"{told} have a label; by {self.output} they are like those without"
        means = ""
        if self.labelled_mean is not None and self.unlabelled_mean is not None:
            means = f" (mean {self.labelled_mean:.3g}, without a label {self.unlabelled_mean:.3g})"
        return (
            f"labels are missing not at random: {told} have one, and these differ by "
            f"{self.output}{means}, PSI {self.psi:.2f}: what labels say of performance holds for "
            "such predictions alone"
        )


def label_bias(outcomes: OutcomeSummary, everything: Profile) -> LabelBias | None:
    """Compare labelled predictions with the others of the same window.

    By the scores of each class; where there are none, by the predicted numbers or classes. The test
    is the two-sample chi-square test on tenths, with the output's own design effect on the
    baseline: labels that come late are of the earlier part of a window, which differs from the
    later one by as much as blocks of the baseline differ. Of several classes the p-value is that of
    the clearest, times their number. With labels missing at random, one of 100 windows has a
    p-value below .01, and none is called biased.

    Args:
        outcomes: the labelled rows.
        everything: all rows of the same version, segment and window.

    Returns:
        None where either side has fewer than 50 rows, nothing of the output was summed up, or more
        than 2% of the labelled rows are not among all rows.
    """
    found = _by_scores(outcomes, everything.scores)
    if not found:
        one = _by_prediction(outcomes, everything)
        found = [one] if one is not None else []
    if not found:
        return None
    clearest = min(found, key=lambda one: (one.p_value, -one.psi))
    return replace(clearest, p_value=min(clearest.p_value * len(found), 1.0))


def _by_scores(outcomes: OutcomeSummary, scores: ScoreSummary | None) -> list[LabelBias]:
    labelled, performance = outcomes.labelled, outcomes.baseline.performance
    if scores is None or performance is None or not isinstance(labelled, LabelledSummary):
        return []
    if not labelled.cells or tuple(labelled.cells) != scores.classes:
        return []
    known = labelled.without_labels()
    found = []
    for name, column in performance.scores.items():
        mine, all_of_them = known.cells[name], scores.cells[name]
        counts = [one.counts.sum(axis=0) for one in (mine, all_of_them)]
        effect = outcomes.baseline.features[column].values_effect
        sums = [_sum(one) for one in (mine, all_of_them)]
        one = _compared(column, counts[0], counts[1], effect, sums=(sums[0], sums[1]))
        if one is not None:
            found.append(one)
    return found


def _by_prediction(outcomes: OutcomeSummary, everything: Profile) -> LabelBias | None:
    name = outcomes.baseline.prediction
    if name is None or name not in everything.features:
        return None
    values, labelled = everything.features[name].values, outcomes.labelled
    effect = outcomes.baseline.features[name].values_effect
    if isinstance(labelled, LabelledSummary):
        named = labelled.confusion[:, :-1].sum(axis=0)
        if not isinstance(values, Categories):
            return None
        counts = np.array([values.counts.get(one, 0) for one in labelled.classes], np.int64)
        return _compared(name, named, counts, effect, is_ordered=False)
    if not isinstance(values, Histogram) or name not in outcomes.errors.names:
        return None
    cells = outcomes.errors.cells_of(name)
    below = np.searchsorted(values.bin_edges, cells.bin_edges, side="right")
    sums = np.concatenate([[0], np.cumsum(values.counts)])
    counts = np.diff(sums[[0, *below.tolist(), -1]])
    return _compared(name, outcomes.errors.rows(name)[:-1], counts, effect)


def _sum(cells: ScoreCells) -> float:
    return float((cells.offset_sums + cells.counts * cells.lower_edges).sum())


def _compared(
    name: str,
    labelled: IntArray,
    everything: IntArray,
    effect: DesignEffect,
    *,
    sums: tuple[float, float] | None = None,
    is_ordered: bool = True,
) -> LabelBias | None:
    """Compare counts on the same cells; None where that makes no sense."""
    others = everything - labelled
    excess = -int(others[others < 0].sum())
    others = np.maximum(others, 0)
    n, m = int(labelled.sum()), int(others.sum())
    if min(n, m) < FEWEST_ROWS or excess > MOST_EXCESS * n:
        return None
    x, y = _tenths(labelled, others) if is_ordered else (labelled, others)
    noise = effect.between(n, m)
    index = psi(y, x)
    floor = (np.count_nonzero(x + y) - 1) * noise.noise
    gap = np.abs(np.asarray(x / n - y / m))
    return LabelBias(
        output=name,
        labelled_rows=n,
        unlabelled_rows=m,
        psi=index,
        psi_excess=max(index - float(floor), 0.0),
        ks=ks_statistic(others, labelled) if is_ordered else float(gap.sum() / 2),
        p_value=chi_square_p_value(chi_square(y, x), n, m, noise),
        labelled_mean=sums[0] / n if sums else None,
        unlabelled_mean=(sums[1] - sums[0]) / m if sums else None,
    )


def _tenths(labelled: IntArray, others: IntArray) -> tuple[IntArray, IntArray]:
    """Put neighbouring cells together to some tenths of both."""
    both = np.cumsum(labelled + others)
    targets = both[-1] * np.arange(1, TENTHS) / TENTHS
    cuts = np.unique(np.searchsorted(both, targets, side="left") + 1)
    starts = np.concatenate([[0], cuts[cuts < both.size]])
    return np.add.reduceat(labelled, starts), np.add.reduceat(others, starts)
