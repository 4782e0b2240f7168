"""Columns that hold each other's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found
from modelwatch.skew.tolerance import equal_values
from modelwatch.skew.values import Column, Rows

__all__ = ["Samples", "swapped_columns"]

QUICK_ROWS: Final = 20
"""Rows that tell most columns apart."""


@dataclass(frozen=True)
class Samples:
    """The same few pairs of every feature.

    Attributes:
        rows: which pairs they are, ascending.
        served: served values by feature.
        recomputed: recomputed values by feature.
        load: returns all recomputed values of a feature, pair by pair.
    """

    rows: Rows
    served: Mapping[str, Column]
    recomputed: Mapping[str, Column]
    load: Callable[[str], Column]


def swapped_columns(case: Case, name: str, samples: Samples) -> Found | None:
    """Name a feature that has the value of another one, and whether that has this one's.

    Args:
        case: the feature's rows.
        name: of the feature.
        samples: some pairs of all features.
    """
    at = np.flatnonzero(case.unequal[samples.rows])
    if at.size < FEWEST_ROWS or name not in samples.served:
        return None
    for other, column in samples.recomputed.items():
        if other == name or column.kind != case.recomputed.kind:
            continue
        if _share(samples.served[name], column, at[:QUICK_ROWS], case) < EXPLAINS / 2:
            continue
        if _share(samples.served[name], column, at, case) >= EXPLAINS:
            found = _confirmed(case, name, other, samples)
            if found is not None:
                return found
    return None


def _share(served: Column, recomputed: Column, at: Rows, case: Case) -> float:
    return float(equal_values(served.take(at), recomputed.take(at), case.tolerance).mean())


def _confirmed(case: Case, name: str, other: str, samples: Samples) -> Found | None:
    """Ask all rows, and whether the other feature has this one's values in them."""
    against = replace(case, recomputed=samples.load(other))
    explained = against.equals(case.rows)
    share = float(explained.mean())
    if share < EXPLAINS or against.is_chance(share):
        return None
    at = np.flatnonzero(case.unequal[samples.rows])
    is_mutual = _share(samples.served[other], samples.recomputed[name], at, case) >= EXPLAINS
    words = f"swapped with {other!r}" if is_mutual else f"served is the value of {other!r}"
    return Found("swapped_columns", words, explained)
