"""One value in place of many: a default, or a frozen feature.

A default sent in place of a share w of the values makes the current distribution a mixture,
(1 - w) reference + w (one value): one bin gains w, the rest keeps its shape. Where all or nearly
all rows hold the value, the feature is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.diagnosis.agreement import Comparison
from modelwatch.diagnosis.cause import Cause
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Histogram

__all__ = ["FROZEN_SHARE", "default_value", "frozen"]

FloatArray = npt.NDArray[np.float64]

FROZEN_SHARE = 0.9
"""From this share of the rows on, a value is all that is left of a feature."""

SECOND = 0.5
"""No other bin may have gained this part of what the value's gained: one value floods, not two."""

NEARLY_CONSTANT = 0.8
"""Of a feature with a value this common, no other can be told to flood it: it may have moved."""

COMMON_SHARE = 0.5
"""A value this common in the baseline may well be the only one of a window."""

LEAST_FLOOD = 0.03
LEAST_LIFT = 3.0
"""The value's bin must hold this many times its share of the baseline: common values, such as hours
without rain, come and go with plain drift."""

REST_OF_FLOOD = 0.6
"""How much the other values may differ, as a share of the flood: plain drift moves them too."""

LEAST_UNKNOWN, REST_OF_UNKNOWN = 0.05, 0.35
"""The same two for a value that is neither a usual default nor far out."""

SPREAD_FACTOR = 2.5
"""How many times smaller or larger the variance may be than that of a mixture with a value outside
the baseline's range."""

REST_RANGE = 1.0
"""How far the current values must reach, in spreads of the reference: the others are as before."""

SHRUNK = 40.0
"""How many times smaller, with a value inside: those of another scale may all fall into one bin."""

MEAN_OFF = 0.1
"""How far the mean may be from the mixture's, as a part of what the flood moves it by."""

REST_SHIFT = 3.0
"""And how many standard deviations the other values may have drifted."""

ONE_VALUE = 0.02
"""How far, in standard deviations, the mean may be from where it is if all that an open bin gained
is its extreme. A second mode of a tenth of the rows, a deviation wide, is off by a quarter."""

WIDE_BIN = 0.5
"""In standard deviations: what falls into a bin this wide need be no single value."""

FAR_OUT = 6.0
"""A value this many standard deviations out is no tail: its mass tells, whatever the rest does."""

FAR_EVIDENCE = 0.9

DEFAULTS = (0.0, -1.0, 99.0, 999.0, 9999.0, -99.0, -999.0, -9999.0)


@dataclass(frozen=True)
class _Flood:
    """The bin that gained most: its share of the mixture, and what the rest differs by.

    `known` tells whether the value is a usual default or far out, and `lift` how many times its
    former share the bin holds; `is_tail` that it is an outer bin with a value like any other.
    """

    share: float
    value: str
    rest: float
    difference: float
    lift: float
    before: float
    known: bool
    far: bool
    is_tail: bool


def frozen(reference: FeatureProfile, current: FeatureProfile) -> Cause | None:
    """Name a number that no longer varies: one value in all rows or nearly all.

    Args:
        reference: a feature with a histogram and moments.
        current: its values now.
    """
    a, b, x, y = reference.moments, current.moments, reference.values, current.values
    if a is None or b is None or not a.variance > 0.0 or not b.n > 1:
        return None
    if not (isinstance(x, Histogram) and isinstance(y, Histogram)):
        return None
    if b.minimum == b.maximum:
        held = np.searchsorted(x.bin_edges, b.minimum, side="left")
        share, before, value = 1.0, float(x.counts[held] / x.total), f"{b.minimum:.4g}"
    else:
        data = Comparison(x, y, a, b, 0.0)
        flood = _flood(data)
        if flood is None or flood.share < FROZEN_SHARE:
            return None
        share, before, value = flood.share, flood.before, flood.value
    if before > COMMON_SHARE:
        return None
    text = (
        f"frozen at {value} in {share:.1%} of rows: standard deviation went from "
        f"{a.standard_deviation:.4g} to {b.standard_deviation:.4g}"
    )
    return Cause(name="frozen", text=text, evidence=share)


def default_value(data: Comparison) -> Cause | None:
    """Name one value that floods a feature whose other values stay as they were.

    A value far out is given to the digit, another one by its bin: a default such as zero or the
    baseline's mean is named where the bin holds it.
    """
    flood = _flood(data)
    if flood is None or not LEAST_FLOOD <= flood.share < FROZEN_SHARE:
        return None
    if (
        flood.is_tail
        or flood.lift < LEAST_LIFT
        or flood.share < (LEAST_FLOOD if flood.known else LEAST_UNKNOWN)
    ):
        return None
    allowed = (REST_OF_FLOOD if flood.known else REST_OF_UNKNOWN) * flood.share
    if flood.rest > allowed and not flood.far:
        return None
    text = (
        f"{flood.value} in place of other values in {flood.share:.1%} of rows (default value?), "
        "the others as before"
    )
    evidence = 1.0 - flood.rest / max(flood.difference, flood.share)
    return Cause(name="default_value", text=text, evidence=max(evidence, FAR_EVIDENCE * flood.far))


def _shares(data: Comparison) -> tuple[FloatArray, FloatArray]:
    return data.x.counts / data.x.total, data.y.counts / data.y.total


def _flood(data: Comparison) -> _Flood | None:
    if data.x.counts.size != data.y.counts.size or data.is_grid_shifted:
        return None  # the others would lie on the grid still
    p, q = _shares(data)
    held = int(np.argmax(q - p))
    share = float((q[held] - p[held]) / (1.0 - p[held])) if p[held] < 1.0 else 0.0
    value, number, known = _value(data, held)
    at_end = number in (data.b.minimum, data.b.maximum)
    width = 0.0 if at_end else _width(data, held)
    is_wide = width > WIDE_BIN * data.a.standard_deviation
    is_single = np.delete(q - p, held).max() <= SECOND * share
    if not 0.0 < share < 1.0 or p.max() > NEARLY_CONSTANT or is_wide or not is_single:
        return None
    if not _is_one_value(data, share, number, width):
        return None
    rest = q.copy()
    rest[held] -= share
    rest /= 1.0 - share
    if at_end and not _is_its_extreme(data, rest, share, number):
        return None
    far = abs(number - data.a.mean) >= FAR_OUT * data.a.standard_deviation
    is_tail = held in (0, p.size - 1) and not known
    left = float(np.abs(np.cumsum(rest - p)).max())
    lift = float(q[held] / p[held]) if p[held] else np.inf
    return _Flood(share, value, left, data.difference, lift, float(p[held]), known, far, is_tail)


def _middle_spread(data: Comparison) -> float:
    """Return half the distance of the quantiles at 16% and 84%: a normal standard deviation."""
    low, high = data.x.quantiles(np.array([0.16, 0.84]), data.a.minimum, data.a.maximum)
    return float(high - low) / 2


def _width(data: Comparison, held: int) -> float:
    """Return the width of an inner bin; zero for the outer ones, whose end is known."""
    edges = data.x.bin_edges
    return float(edges[held] - edges[held - 1]) if 0 < held < edges.size else 0.0


def _is_one_value(data: Comparison, share: float, value: float, width: float) -> bool:
    """Tell whether mean and variance are those of the mixture, and not of a bin's wide range."""
    a, b = data.a, data.b
    away = value - a.mean
    expected = (1.0 - share) * a.variance + share * (1.0 - share) * away * away
    outside = not a.minimum <= value <= a.maximum
    if b.maximum - b.minimum < REST_RANGE * _middle_spread(data):
        return False
    least, most = (1 / SPREAD_FACTOR, SPREAD_FACTOR) if outside else (1 / SHRUNK, np.inf)
    if not least * expected <= b.variance <= most * expected:
        return False
    off = abs(b.mean - (a.mean + share * away))
    off -= share * width / 2
    return off <= MEAN_OFF * share * abs(away) + (1.0 - share) * REST_SHIFT * a.standard_deviation


def _is_its_extreme(data: Comparison, rest: FloatArray, share: float, value: float) -> bool:
    """Tell whether all that an open bin gained is one value, its extreme.

    Anything else lies nearer to the mean, and so does the mean of all: what the other values, of
    which the bins tell, leave for it is compared with the extreme.

    Args:
        data: two summaries on the same bins.
        rest: shares of the other values by bin.
        share: of the rows, that the bin gained.
        value: the extreme.
    """
    a = data.a
    edges = np.concatenate([[a.minimum], np.clip(data.x.bin_edges, a.minimum, a.maximum)])
    middles = (edges + np.append(edges[1:], a.maximum)) / 2
    change = rest - data.x.counts / data.x.total
    others = a.mean + float(change @ (middles - a.mean))
    off = abs(data.b.mean - (1.0 - share) * others - share * value)
    usual = MEAN_OFF * share * abs(value - a.mean) if value in DEFAULTS else 0.0
    return off <= ONE_VALUE * a.standard_deviation + usual


def _value(data: Comparison, held: int) -> tuple[str, float, bool]:
    """Return the value of a bin in words, about, and whether it is one that defaults have."""
    edges = np.concatenate([[-np.inf], data.x.bin_edges, [np.inf]])
    low, high = float(edges[held]), float(edges[held + 1])
    if np.isinf(low) or np.isinf(high):
        end = data.b.minimum if np.isinf(low) else data.b.maximum
        far = abs(end - data.a.mean) >= FAR_OUT * data.a.standard_deviation
        return f"{end:.4g}", end, far or end in DEFAULTS
    for default in DEFAULTS:
        if low < default <= high:
            return f"{default:g}", default, True
    if low < data.a.mean <= high:
        return f"the baseline's mean {data.a.mean:.4g}", data.a.mean, True
    return f"a value in ({low:.4g}, {high:.4g}]", (low + high) / 2, False
