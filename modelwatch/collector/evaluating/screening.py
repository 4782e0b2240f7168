"""Which of many instances are worth a comparison: those that look least like all together. Pure.

A look, and no test: of each feature on the bins that most instances counted on, the population
stability index of an instance against all, on deciles of all, beside what chance makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.cells import MAX_CATEGORY_CELLS, category_counts, decile_starts
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, Histogram

__all__ = ["straying_first"]

_SMOOTHING = 0.5
"""Added to each cell: Jeffreys' prior, as in the comparison itself."""

_NOTEWORTHY = 2.0
"""Standard deviations of chance beyond which an index counts for what it is."""

FloatArray = npt.NDArray[np.float64]


def straying_first(profiles: Sequence[Profile]) -> list[int]:
    """Return the places of profiles: those that stray most first, then the others by rows.

    Some 0.2 ms a profile of 30 features.

    Args:
        profiles: of one window of one model version, one an instance.
    """
    size = len(profiles)
    scores = np.zeros(size)
    for name in dict.fromkeys(name for profile in profiles for name in profile.features):
        places, cells = _cells(profiles, name)
        if len(places) > 1 and cells.shape[1] > 1:
            scores[places] = np.maximum(scores[places], _scores(cells))
    return sorted(range(size), key=lambda at: (-scores[at], -profiles[at].rows, at))


def _cells(profiles: Sequence[Profile], name: str) -> tuple[list[int], FloatArray]:
    """Return which profiles can be laid side by side, and their counts by cell, missing ones last.

    Shape (places, cells).
    """
    features = [profile.features.get(name) for profile in profiles]
    kinds = Counter(
        (one.values.bin_edges.tobytes() if isinstance(one.values, Histogram) else type(one.values))
        for one in features
        if one is not None and isinstance(one.values, (Categories, Histogram))
    )
    if not kinds:
        return [], np.zeros((0, 0))
    most = kinds.most_common(1)[0][0]
    places: list[int] = []
    rows: list[npt.ArrayLike] = []
    missing: list[int] = []
    for at, one in enumerate(features):
        if one is None:
            continue
        values = one.values
        if isinstance(values, Histogram) and values.bin_edges.tobytes() == most:
            rows.append(values.counts)
        elif isinstance(values, Categories) and most is Categories:
            rows.append([])
        else:
            continue
        places.append(at)
        missing.append(one.missing_count)
    if most is Categories:
        rows = _category_rows([profiles[at].features[name].values for at in places])
    counts = np.asarray(rows, dtype=np.float64)
    if most is not Categories:
        starts = decile_starts(counts.sum(axis=0))
        counts = np.add.reduceat(counts, starts, axis=1)
    return places, np.column_stack([counts, np.asarray(missing, dtype=np.float64)])


def _category_rows(found: Sequence[object]) -> list[npt.ArrayLike]:
    known = [values for values in found if isinstance(values, Categories)]
    total: Counter[str] = Counter()
    for values in known:
        total.update(values.counts)
    names = [name for name, _ in total.most_common(MAX_CATEGORY_CELLS)]
    return [category_counts(values.counts, values.total, names) for values in known]


def _scores(cells: FloatArray) -> FloatArray:
    """Return for each row by how much its index exceeds chance; little where not surely."""
    used = cells[:, cells.sum(axis=0) > 0]
    own, others = used + _SMOOTHING, used.sum(axis=0) - used + _SMOOTHING
    own_rows, other_rows = own.sum(axis=1), others.sum(axis=1)
    p, q = own / own_rows[:, np.newaxis], others / other_rows[:, np.newaxis]
    index = ((p - q) * np.log(p / q)).sum(axis=1)
    freedom = max(used.shape[1] - 1, 1)
    chance = 1.0 / own_rows + 1.0 / other_rows
    beyond = (index - freedom * chance) / (np.sqrt(2.0 * freedom) * chance)
    # What is no more than chance is ranked below all that is.
    noteworthy = 1.0 + np.maximum(index, 0.0)
    usual = np.clip(beyond / _NOTEWORTHY, 0.0, 1.0)
    scores: FloatArray = np.where(beyond > _NOTEWORTHY, noteworthy, usual)
    return scores
