"""Two tables of shares by category, the reference's and the current one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modelwatch.baseline import BaselineFeature
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories

__all__ = ["Names", "distance", "is_placeholder"]

GONE = 0.1
"""A name is gone where it has less than this part of its share."""

LARGEST_NOISE = 0.1
"""Chance is allowed this much at most."""

PLACEHOLDERS = frozenset(
    {"", "-", "?", "default", "missing", "n/a", "na", "nan", "none", "null", "other"}
    | {"undefined", "unknown", "-1", "-999", "(none)", "(null)", "<na>", "#n/a"}
)
"""In lower case: what stands for a missing value in other systems."""


@dataclass(frozen=True)
class Names:
    """Two tables of one categorical feature.

    Attributes:
        before: the reference's share of each name, largest first.
        now: the current ones.
        known: names that the baseline has.
        unseen: current share of new names beyond those that are counted by name.
        chance: the total variation that chance alone brings about.
        independent_rows: rows of the window that tell something, as rows come in clusters.
    """

    before: Mapping[str, float]
    now: Mapping[str, float]
    known: frozenset[str]
    unseen: float
    chance: float
    independent_rows: float

    @classmethod
    def of(
        cls, feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
    ) -> Names | None:
        """Bring two tables together; None where one is empty or holds numbers."""
        x, y = reference.values, current.values
        if not (isinstance(x, Categories) and isinstance(y, Categories)) or not x.total * y.total:
            return None
        known = frozenset(x.counts) | feature.rare_categories | (feature.limits.categories or set())
        before, now = _shares(x), _shares(y)
        phi = feature.values_effect.phi_at
        rows = 1.0 / (phi(y.total) / y.total + phi(x.total) / x.total)
        p = np.array(list(before.values()))
        chance = float(np.sqrt(p * (1.0 - p) / rows).sum() / 2.0)
        return cls(before, now, known, y.unseen / y.total, chance, y.total / phi(y.total))

    @property
    def noise(self) -> float:
        """What a match of names may leave unexplained by chance."""
        return min(self.chance, LARGEST_NOISE)

    @property
    def new(self) -> dict[str, float]:
        """Current shares of names that the baseline lacks, largest first."""
        return {name: share for name, share in self.now.items() if name not in self.known}

    @property
    def gone(self) -> dict[str, float]:
        """Former shares of names that no longer come, largest first."""
        return {n: share for n, share in self.before.items() if self.now.get(n, 0.0) < GONE * share}

    @property
    def difference(self) -> float:
        """Total variation between the two tables, in [0, 1]."""
        return distance(self.before, self.now)


def distance(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the total variation between two tables of shares, in [0, 1].

    >>> distance({"a": 0.5, "b": 0.5}, {"a": 0.75, "c": 0.25})
    0.5
    """
    return sum(abs(now.get(n, 0.0) - before.get(n, 0.0)) for n in {*before, *now}) / 2


def is_placeholder(name: str) -> bool:
    """Tell whether a name stands for a missing value in other systems.

    >>> is_placeholder("Unknown "), is_placeholder("unknown_7")
    (True, False)
    """
    return name.strip().casefold() in PLACEHOLDERS


def _shares(values: Categories) -> dict[str, float]:
    """Return shares of the named categories among all, largest first."""
    ranked = sorted(values.counts.items(), key=lambda item: (-item[1], item[0]))
    return {name: count / values.total for name, count in ranked if count}
