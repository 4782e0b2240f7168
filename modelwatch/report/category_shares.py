"""Which categories to show, and their shares: the largest ones, the new ones, and the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories, Histogram

__all__ = ["CategoryShare", "category_shares", "printable", "value_shares"]

MOST_CATEGORIES = 8
"""Bars that are still read at once; what is left is one more."""


@dataclass(frozen=True, kw_only=True)
class CategoryShare:
    """One bar: its label, and the share of values that it holds on either side, in [0, 1]."""

    label: str
    reference: float
    current: float | None


def category_shares(
    reference: FeatureProfile, current: FeatureProfile | None
) -> list[CategoryShare]:
    """Return the bars of a categorical feature; none where the baseline holds no value.

    The categories with the largest share on either side come first; a category that the baseline
    lacks says so in its label.
    """
    if not isinstance(reference.values, Categories) or not reference.observed:
        return []
    before = reference.values
    now = current.values if current is not None and current.observed else None
    after = now if isinstance(now, Categories) else None
    chosen = _largest(before, after)
    bars = [
        CategoryShare(
            label=_label(name, is_new=name not in before.counts and not before.other),
            reference=before.counts.get(name, 0) / before.total,
            current=after.counts.get(name, 0) / after.total if after else None,
        )
        for name in chosen
    ]
    rest = _rest(before, chosen)
    rest_now = _rest(after, chosen) if after else 0
    if rest or rest_now:
        share_now = rest_now / after.total if after else None
        bars.append(
            CategoryShare(label="(others)", reference=rest / before.total, current=share_now)
        )
    return bars


def value_shares(reference: FeatureProfile, current: FeatureProfile | None) -> list[CategoryShare]:
    """Return one bar a value for a number that takes a few values only; else none.

    What the baseline never held comes last.
    """
    before = reference.values
    if not isinstance(before, Histogram) or reference.kind != "numeric" or not before.total:
        return []
    held = np.flatnonzero(before.counts[1:-1])  # there may be empty bins between the values
    upper = before.bin_edges[1:][held]
    if not 1 <= upper.size <= MOST_CATEGORIES or before.counts[0] or before.counts[-1]:
        return []
    after = current.values if current is not None and current.observed else None
    if after is not None and not isinstance(after, Histogram):
        return []
    if after is not None and not np.array_equal(after.bin_edges, before.bin_edges):
        return []
    labels = _value_labels(reference, upper.tolist())
    shares = (before.counts / before.total).tolist()
    shares_now = (after.counts / after.total).tolist() if after else None
    bars = [
        CategoryShare(
            label=label,
            reference=shares[place],
            current=shares_now[place] if shares_now else None,
        )
        for label, place in zip(labels, (held + 1).tolist(), strict=True)
    ]
    if after is not None and (beyond := after.total - int(after.counts[1:-1][held].sum())):
        share_now = beyond / after.total
        bars.append(CategoryShare(label="others (new)", reference=0.0, current=share_now))
    return bars


def printable(text: str) -> str:
    """Return the text with what cannot stand in XML or on one line replaced by a mark.

    >>> printable("a" + chr(0) + "b" + chr(10) + "c")
    'a\ufffdb\ufffdc'
    """
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


def _value_labels(reference: FeatureProfile, upper: list[float]) -> list[str]:
    # A bin ends on its value, or up to half a gap above it where that needs fewer digits: only the
    # extremes are known exactly, and whole numbers are what they seem.
    labels = [f"{value:g}" if value.is_integer() else f"up to {value:.4g}" for value in upper]
    moments = reference.moments
    if moments is not None and moments.n:
        labels[0], labels[-1] = f"{moments.minimum:g}", f"{moments.maximum:g}"
    return labels


def _label(name: str, *, is_new: bool) -> str:
    text = printable(name) or "(empty text)"
    return f"{text} (new)" if is_new else text


def _largest(before: Categories, after: Categories | None) -> list[str]:
    def weight(name: str) -> float:
        share_now = after.counts.get(name, 0) / after.total if after else 0.0
        return max(before.counts.get(name, 0) / before.total, share_now)

    names: Iterable[str] = {*before.counts, *(after.counts if after else ())}
    return sorted(names, key=lambda name: (-weight(name), name))[:MOST_CATEGORIES]


def _rest(values: Categories, chosen: Iterable[str]) -> int:
    return values.total - sum(values.counts.get(name, 0) for name in chosen)
