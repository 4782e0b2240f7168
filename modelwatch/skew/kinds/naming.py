"""Which kinds of difference explain a feature's unequal rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.categories import renaming, spelling
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found, KindName, Rule, SkewKind
from modelwatch.skew.kinds.numbers import factor, linear, offset, sign
from modelwatch.skew.kinds.places import shifted_rows, stale
from modelwatch.skew.kinds.rounding import rounding
from modelwatch.skew.kinds.single_values import clipping, default_value, part_with_default
from modelwatch.skew.kinds.times import moved_times, time_zone
from modelwatch.skew.kinds.windows import window_by_history, window_by_ratio
from modelwatch.skew.values import Rows

__all__ = ["name_kinds"]

AS_GOOD: Final = 0.02
"""Of two kinds that explain about as many rows, the one that is asked first is named."""

FEWEST_OF_REST: Final = 20
"""Rows from which what one kind leaves is asked for another."""

LEAST_PART: Final = 0.3
"""Share of the rows left from which one factor, offset or sign in a part of them is told."""

VARIED: Final = 0.5
"""Share of different values from which such an agreement is no chance."""

LEAST_OTHER: Final = 0.01
"""Share of rows without a kind from which they are told of, beside kinds."""

RULES: Final[Mapping[str, Sequence[Rule]]] = {
    "number": (
        window_by_history, time_zone, sign, clipping, default_value, factor, offset, linear,
        rounding, renaming, window_by_ratio,
    ),
    "time": (time_zone, default_value, clipping, moved_times, rounding),
    "duration": (default_value, clipping, factor, moved_times, rounding),
    "text": (spelling, default_value, renaming),
    "boolean": (default_value, renaming),
}  # fmt: skip
"""What is asked of values of each kind, the plainest first."""


def name_kinds(case: Case, swapped: Rule) -> list[tuple[SkewKind, Rows]]:
    """Name the kinds that explain the rows of a case, and which rows each explains.

    Values of another place come first, as they explain missing ones too; then what is missing on
    one side; then what was done to the values. What nothing explains is `other`.

    Args:
        case: the rows.
        swapped: the rule that knows the other features.
    """
    total, left = case.rows.size, case.rows
    named: list[tuple[SkewKind, Rows]] = []
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # infinities are compared
        explained = list(_found(case, swapped))
    for found, rows in explained:
        share = rows.size / total
        kind = SkewKind(name=found.name, text=found.text, explained=share, example=found.example)
        named.append((kind, rows))
        left = np.setdiff1d(left, rows, assume_unique=True)
    if left.size and (not named or left.size >= LEAST_OTHER * total):
        text = "no kind explains them"
        if left.size < FEWEST_ROWS:
            text = f"{left.size} row{'s' if left.size != 1 else ''}: too few to name a kind"
        named.append((SkewKind(name="other", text=text, explained=left.size / total), left))
    return sorted(named, key=lambda pair: -pair[0].explained)


def _found(case: Case, swapped: Rule) -> Iterator[tuple[Found, Rows]]:
    if case.rows.size >= FEWEST_ROWS:
        found = _best(case, (stale, swapped, shifted_rows))
        if found is not None:
            yield found, case.rows[found.explained]
            case = case.at(case.rows[~found.explained])
    for found in _missing(case):
        yield found, case.rows[found.explained]
    gone = case.served.missing[case.rows] | case.recomputed.missing[case.rows]
    yield from _changed(case.at(case.rows[~gone]))


def _missing(case: Case) -> Iterator[Found]:
    served, recomputed = case.served.missing[case.rows], case.recomputed.missing[case.rows]
    sides: tuple[tuple[KindName, str, str], ...] = (
        ("missing_in_serving", "served", "recomputed"),
        ("missing_in_training", "recomputed", "served"),
    )
    for (name, side, other), gone in zip(
        sides, (served & ~recomputed, recomputed & ~served), strict=True
    ):
        if gone.any():
            yield Found(name, f"missing in {side}, there in {other}", gone)


def _changed(case: Case) -> Iterator[tuple[Found, Rows]]:
    """Name one kind after the other, each for the rows that those before leave."""
    fewest = FEWEST_ROWS
    while case.rows.size >= fewest:
        found = _best(case, RULES.get(case.kind, ())) or _in_part(case)
        if found is None:
            return
        yield found, case.rows[found.explained]
        case = case.at(case.rows[~found.explained])
        fewest = FEWEST_OF_REST


def _best(case: Case, rules: Sequence[Rule]) -> Found | None:
    best: Found | None = None
    for rule in rules:
        found = rule(case)
        if found is None or found.share < EXPLAINS:
            continue
        if best is None or found.share > best.share + AS_GOOD:
            best = found
        if best.share >= 1.0 - AS_GOOD:
            break
    return best


def _in_part(case: Case) -> Found | None:
    """Name what explains a part of the rows so exactly that chance does not."""
    found = part_with_default(case)
    if found is not None or case.kind != "number":
        return found
    if case.distinct_r < VARIED * case.rows.size or case.rows.size < FEWEST_OF_REST:
        return None
    parts = [rule(case) for rule in (sign, factor, offset)]
    likely = [part for part in parts if part is not None and part.share >= LEAST_PART]
    return max(likely, key=lambda part: part.share, default=None)
