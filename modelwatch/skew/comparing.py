"""One feature, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any, Final

import numpy as np

from modelwatch.skew.history import History
from modelwatch.skew.kinds import Case, SkewKind, name_kinds
from modelwatch.skew.kinds.swapping import Samples, swapped_columns
from modelwatch.skew.report import Example, FeatureSkew
from modelwatch.skew.tolerance import Tolerance, equal_values
from modelwatch.skew.types import alike
from modelwatch.skew.values import Column, Mask, Rows, on_one_list

__all__ = ["MOST_ASKED", "FeatureRows", "compare_feature"]

MOST_ASKED: Final = 20_000
"""Unequal rows of a feature that its kinds are told by, spread evenly over all of them."""


@dataclass(frozen=True, kw_only=True)
class FeatureRows:
    """What a feature's comparison needs.

    Attributes:
        name: of the feature.
        served: its served values, pair by pair.
        recomputed: its recomputed values.
        tolerance: what counts as equal.
        history: which pairs are near each other.
        samples: some pairs of all features.
        key_of: returns the key of a pair.
        examples: how many to give at most.
    """

    name: str
    served: Column
    recomputed: Column
    tolerance: Tolerance
    history: History
    samples: Samples
    key_of: Callable[[int], Any]
    examples: int


def compare_feature(rows: FeatureRows) -> FeatureSkew:
    """Compare one feature: how many rows are unequal, of which kinds, with examples."""
    served, recomputed, wrong_type = _of_one_kind(rows.served, rows.recomputed)
    tolerance = rows.tolerance.of(recomputed)
    same = equal_values(served, recomputed, tolerance)
    unequal = ~same | wrong_type
    asked = _spread(np.flatnonzero(unequal))
    named = list(_type_kind(rows, asked, wrong_type, same, served, recomputed))
    left = np.setdiff1d(asked, named[0][1], assume_unique=True) if named else asked
    if left.size:
        case = Case(served, recomputed, left, ~same, tolerance, rows.history, rows.history.is_known)
        found = name_kinds(case, lambda case: swapped_columns(case, rows.name, rows.samples))
        part = left.size / asked.size
        named += [(_of_all(kind, part), places) for kind, places in found]
    named.sort(key=lambda pair: -pair[0].explained)
    return FeatureSkew(
        name=rows.name,
        rows=len(served),
        unequal=int(unequal.sum()),
        nearly_equal=_nearly_equal(served, recomputed, same),
        served_type=rows.served.type_name,
        recomputed_type=rows.recomputed.type_name,
        served_missing=int(rows.served.missing.sum()),
        recomputed_missing=int(rows.recomputed.missing.sum()),
        kinds=tuple(kind for kind, _ in named),
        examples=tuple(_examples(rows, [places for _, places in named])),
    )


def _of_one_kind(served: Column, recomputed: Column) -> tuple[Column, Column, Mask]:
    """Return both columns as one kind, and which pairs have values of two types."""
    there = ~(served.missing | recomputed.missing)
    wrong = np.zeros(len(served), dtype=bool)
    kinds = {served.kind, recomputed.kind}
    if len(kinds) > 1 and "empty" not in kinds:
        wrong = there & _is_other_type(served, recomputed)
        served, recomputed = alike(served, recomputed)
    if served.kind == recomputed.kind == "text":
        served, recomputed = on_one_list(served, recomputed)
    return served, recomputed, wrong


def _is_other_type(served: Column, recomputed: Column) -> Mask:
    """Tell which pairs have values of two types: all, but where a column mixes types."""
    if "other" not in (served.kind, recomputed.kind):
        return np.ones(len(served), dtype=bool)
    pairs = zip(served.values(), recomputed.values(), strict=True)
    differ = (isinstance(a, str) != isinstance(b, str) for a, b in pairs)
    return np.fromiter(differ, dtype=bool, count=len(served))


def _type_kind(
    rows: FeatureRows, asked: Rows, wrong: Mask, same: Mask, served: Column, recomputed: Column
) -> Iterator[tuple[SkewKind, Rows]]:
    """Tell of values that are equal but for their type, or that cannot be read in one type."""
    unread = served.missing & ~rows.served.missing | recomputed.missing & ~rows.recomputed.missing
    places = asked[wrong[asked] & (same | unread)[asked]]
    if not wrong[asked].any() or not places.size:
        return
    text = f"served is a {rows.served.type_name}, recomputed a {rows.recomputed.type_name}"
    if "other" in (rows.served.kind, rows.recomputed.kind):
        text = "served and recomputed are of two types, or one of them mixes types"
    odd = int(unread[places].sum())
    told = f"; {odd / places.size:.0%} cannot be read as one type" if odd else ", equal once read"
    explained = places.size / asked.size
    yield SkewKind(name="type", text=f"{text}{told}", explained=explained), places


def _spread(rows: Rows) -> Rows:
    if rows.size <= MOST_ASKED:
        return rows
    return rows[np.linspace(0, rows.size - 1, MOST_ASKED).astype(np.intp)]


def _of_all(kind: SkewKind, part: float) -> SkewKind:
    return replace(kind, explained=kind.explained * part)


def _nearly_equal(served: Column, recomputed: Column, same: Mask) -> int:
    if served.kind != "number" or recomputed.kind != "number":
        return 0
    there = same & ~served.missing & ~recomputed.missing
    return int((there & (served.data != recomputed.data)).sum())


def _examples(rows: FeatureRows, by_kind: list[Rows]) -> Iterator[Example]:
    """Give pairs of each kind in turn."""
    firsts = (places[: rows.examples].tolist() for places in by_kind)
    in_turn = (pair for pair in chain.from_iterable(zip_longest(*firsts)) if pair is not None)
    for _, pair in zip(range(rows.examples), in_turn, strict=False):
        yield Example(
            key=rows.key_of(pair),
            served=rows.served.value(pair),
            recomputed=rows.recomputed.value(pair),
        )
