"""Where the relation between inputs and truth changed: bins that err more than others do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.false_discovery import benjamini_hochberg
from modelwatch.concept.error_axes import ErrorAxis, feature_axes, score_axes
from modelwatch.errors import ConfigurationError
from modelwatch.performance.intervals import Z95

if TYPE_CHECKING:
    from modelwatch.outcomes.outcome_summary import OutcomeSummary

__all__ = ["ErrorRegion", "where_changed", "where_words"]

FloatArray = npt.NDArray[np.float64]

FALSE_DISCOVERY_RATE: Final = 0.01
"""Largest expected share of false ones among the bins that are found."""

LEAST_CHANGE: Final = 0.01
"""Of an error rate, or of a mean absolute error in standard deviations of the baseline's labels:
smaller changes are not told."""

FEWEST_ROWS: Final = 20
"""Rows of a bin on either side, below which it is not judged."""

CLEARLY_MORE: Final = 2.0
"""Standard errors by which a bin's change must exceed the mean change, of a column along which
changes differ."""

SMALLEST_VARIANCE: Final = 1e-12
"""Of errors of a regression, in standard deviations of the labels: where all are alike."""

MOST_REGIONS: Final = 50
"""Regions told, those that add the most to the change."""


@dataclass(frozen=True, kw_only=True)
class ErrorRegion:
    """Neighbouring bins, or one category, in which errors changed beyond chance.

    Attributes:
        kind: whether it is one of a score, or of a feature, or of predicted numbers.
        name: the column.
        where: its values, in words: "is 10 to 50", "is missing", "is 'new'".
        before: error rate there before, or mean absolute error in standard deviations of the
            baseline's labels.
        after: likewise after.
        rows_before: rows there before.
        rows_after: rows there after.
        difference_lower: lower limit of the 95% interval of after - before.
        difference_upper: upper limit.
        p_value: the smallest of its bins, adjusted for all bins that were judged.
        contribution: what it adds to the change of the mean error of all rows: its share of the
            rows after, times after - before.
        excess: the same beyond what rows of the mean change would add.
    """

    kind: Literal["score", "feature", "prediction"]
    name: str
    where: str
    before: float
    after: float
    rows_before: int
    rows_after: int
    difference_lower: float
    difference_upper: float
    p_value: float
    contribution: float
    excess: float

    @property
    def is_worse(self) -> bool:
        """Whether errors rose."""
        return self.after > self.before


@dataclass(frozen=True)
class _Bins:
    """An axis with what its bins show, each shape (bins,)."""

    axis: ErrorAxis
    gaps: FloatArray
    errors: FloatArray
    p_values: FloatArray

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """Which bins are judged."""
        return ~np.isnan(self.p_values)

    @property
    def mean_gap(self) -> float:
        """The change of the mean error, if rows were spread over the bins as they are after."""
        rows = self.axis.rows_after
        return float((rows * self.gaps)[self.is_known].sum() / max(rows[self.is_known].sum(), 1.0))

    @property
    def uneven_p_value(self) -> float:
        """The chance of such differences between the bins' changes if all changed alike.

        Cochran's (1954) Q; 1.0 of a single bin.
        """
        from scipy import special  # a watched service never calls this

        gaps, weights = self.gaps[self.is_known], 1 / np.square(self.errors[self.is_known])
        if gaps.size < 2:
            return 1.0
        mean = (weights * gaps).sum() / weights.sum()
        return float(special.chdtrc(gaps.size - 1, (weights * np.square(gaps - mean)).sum()))


def where_changed(after: OutcomeSummary, before: OutcomeSummary | None = None) -> list[ErrorRegion]:
    """Return where errors changed, by tenths of the scores and by cells of the features.

    Columns along which errors changed alike in all bins tell nothing of where, and are left out: by
    Cochran's Q, with Benjamini and Hochberg's control of how many are false over all columns. In
    the others, two-proportion tests of a classifier's errors, or Welch's of a regression's, bin by
    bin, with the same control over all bins; told are those that changed by more than the mean,
    neighbours together. A bin has as much of the design effect of errors as it has of the rows.
    Of 450 simulated windows of 500 to 10,000 rows without a change, one had a region.

    Features are judged as far as their values were captured, on both sides.

    Args:
        after: what is to be explained.
        before: what it is compared with, of the same baseline; the baseline's own rows where None.

    Returns:
        Regions by `excess`: first where errors rose the most beyond the mean; last where they fell.

    Raises:
        ConfigurationError: where the two are of different baselines.
    """
    baseline = after.baseline
    if before is not None and before.baseline.id != baseline.id:
        raise ConfigurationError(
            f"outcomes are of baselines {before.baseline.id} and {baseline.id}: compare those of "
            "one."
        )
    performance = baseline.performance
    effect = performance.effect if performance is not None else DesignEffect()
    axes = [*score_axes(after, before), *feature_axes(after, before)]
    judged = [_judged(axis, effect) for axis in axes]
    uneven = benjamini_hochberg([bins.uneven_p_value for bins in judged])
    adjusted = _adjusted([bins.p_values for bins in judged])
    regions = [
        region
        for bins, p_value, p_values in zip(judged, uneven, adjusted, strict=True)
        if p_value <= FALSE_DISCOVERY_RATE
        for region in _regions(bins, p_values)
    ]
    clearest = sorted(regions, key=lambda region: -abs(region.excess))[:MOST_REGIONS]
    return sorted(clearest, key=lambda region: -region.excess)


def where_words(regions: Sequence[ErrorRegion], most: int = 3) -> str:
    """Say where errors rose most; empty where they rose nowhere.

    Args:
        regions: as `where_changed` returns them.
        most: regions named.

    >>> region = ErrorRegion(kind="feature", name="amount", where="is 10 to 50", before=0.02,
    ...     after=0.19, rows_before=900, rows_after=400, difference_lower=0.13,
    ...     difference_upper=0.21, p_value=1e-9, contribution=0.05,
    ...     excess=0.04)
    >>> where_words([region])
    'errors rose most where amount is 10 to 50 (2% to 19%)'
    """
    worse = [region for region in regions if region.is_worse][:most]
    if not worse:
        return ""
    named = [
        f"{one.name} {one.where} ({_share(one.before)} to {_share(one.after)})" for one in worse
    ]
    return "errors rose most where " + ", ".join(named)


def _adjusted(p_values: Sequence[FloatArray]) -> list[FloatArray]:
    """Adjust p-values for how many there are in all; NaN stays NaN."""
    if not p_values:
        return []
    everything = np.concatenate(p_values)
    known = ~np.isnan(everything)
    everything[known] = benjamini_hochberg(everything[known].tolist())
    return np.split(everything, np.cumsum([part.size for part in p_values])[:-1])


def _judged(axis: ErrorAxis, effect: DesignEffect) -> _Bins:
    """Test each bin; a p-value is NaN where there are too few rows."""
    n0, n1 = axis.rows_before, axis.rows_after
    noise0, noise1 = _noise(n0, effect), _noise(n1, effect)
    gaps = axis.after - axis.before
    if axis.is_rate:
        pooled = (n0 * axis.before + n1 * axis.after) / np.maximum(n0 + n1, 1)
        variance = pooled * (1 - pooled) * (noise0 + noise1)
        slack = 0.5 * (noise0 + noise1)  # Yates' correction for counts
    else:
        variance = axis.variance_before * noise0 + axis.variance_after * noise1
        slack = np.zeros(gaps.size)
    own = _variance(axis, n0, axis.before, axis.variance_before) * noise0
    own = own + _variance(axis, n1, axis.after, axis.variance_after) * noise1
    size = np.maximum(np.abs(gaps) - slack, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 0, size / np.sqrt(variance), 0.0)
    p_values = np.array([math.erfc(value / math.sqrt(2)) for value in z.tolist()])
    p_values[(n0 < FEWEST_ROWS) | (n1 < FEWEST_ROWS)] = np.nan
    return _Bins(axis, gaps, np.sqrt(own), p_values)


def _variance(
    axis: ErrorAxis, rows: FloatArray, means: FloatArray, variances: FloatArray
) -> FloatArray:
    """Return the variance of errors in each bin, of rates never 0 (Agresti and Coull, 1998)."""
    if not axis.is_rate:
        return variances + SMALLEST_VARIANCE
    shares = (rows * means + 2) / (rows + 4)
    return shares * (1 - shares)


def _noise(rows: FloatArray, effect: DesignEffect) -> FloatArray:
    """Return phi / n of each bin: what n of N rows have of their design effect is n / N of it."""
    total = float(rows.sum())
    excess = max(effect.phi_at(max(total, 1.0)) - 1.0, 0.0)
    phi = 1.0 + excess * rows / max(total, 1.0)
    return np.asarray(phi / np.maximum(rows, 1.0), dtype=np.float64)


def _regions(bins: _Bins, adjusted: FloatArray) -> Iterator[ErrorRegion]:
    """Yield runs of neighbouring bins that changed the same way."""
    signs = np.sign(bins.gaps)
    found = (adjusted <= FALSE_DISCOVERY_RATE) & (np.abs(bins.gaps) >= LEAST_CHANGE)
    found &= signs * (bins.gaps - bins.mean_gap) > CLEARLY_MORE * bins.errors
    signs = np.where(found, signs, 0.0).tolist()
    start = 0
    while start < len(signs):
        end = start + 1
        if signs[start]:
            while end < len(signs) and bins.axis.joins(end) and signs[end] == signs[start]:
                end += 1
            yield _region(bins, slice(start, end), float(adjusted[start:end].min()))
        start = end


def _region(bins: _Bins, part: slice, p_value: float) -> ErrorRegion:
    axis = bins.axis
    n0, n1 = axis.rows_before[part], axis.rows_after[part]
    before = float((n0 * axis.before[part]).sum() / n0.sum())
    after = float((n1 * axis.after[part]).sum() / n1.sum())
    weights = n1 / n1.sum()
    error = float(np.sqrt(np.square(weights * bins.errors[part]).sum()))
    gap = after - before
    share = float(n1.sum() / axis.rows_after.sum())
    return ErrorRegion(
        kind=axis.kind,
        name=axis.name,
        where=axis.words(part.start, part.stop),
        before=before,
        after=after,
        rows_before=int(n0.sum()),
        rows_after=int(n1.sum()),
        difference_lower=gap - Z95 * error,
        difference_upper=gap + Z95 * error,
        p_value=p_value,
        contribution=gap * share,
        excess=(gap - bins.mean_gap) * share,
    )


def _share(value: float) -> str:
    digits = 0 if value >= 0.1 or math.isclose(value * 100, round(value * 100)) else 1
    return f"{100 * value:.{digits}f}%"
