"""Seeded rows that two versions of a model predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import modelwatch as mw
from modelwatch.rollout.pair_rows import PairRows
from modelwatch.rollout.pair_summary import PairSummary
from tests.labelled_tables import (
    CLASSES,
    Table,
    binary_table,
    fitted,
    regression_table,
    several_table,
)

BINARY = fitted(binary_table(0, 500), score="score")
SEVERAL = fitted(several_table(0, 500), score={name: f"p_{name}" for name in CLASSES})
NUMBERS = fitted(regression_table(0, 500))

BASELINES = {"binary": BINARY, "several": SEVERAL, "numbers": NUMBERS}


def empty_pairs(first: mw.Baseline | None, second: mw.Baseline | None) -> PairSummary:
    """Return a summary of no pairs of versions that can be compared."""
    found = PairSummary.empty(first, second)
    assert found is not None
    return found


def pair_table(kind: str, seed: int, rows: int) -> tuple[Table, Table, list[Any]]:
    """Return the outputs of two versions, and the labels; the second version is noisier."""
    rng = np.random.default_rng(seed)
    if kind == "numbers":
        table = regression_table(seed, rows)
        other = {"predicted": table["predicted"] + rng.normal(0, 0.5, rows)}
        return {"predicted": table["predicted"]}, other, table["label"].tolist()
    if kind == "several":
        table = several_table(seed, rows)
        shares = np.column_stack([table[f"p_{name}"] for name in CLASSES])
        noisy = shares * rng.uniform(0.3, 1.0, shares.shape)
        noisy /= noisy.sum(axis=1, keepdims=True)
        return _scored(shares), _scored(noisy), table["label"]
    table = binary_table(seed, rows)
    noisy = np.clip(table["score"] + rng.normal(0, 0.2, rows), 0.0, 1.0)
    first = {"score": table["score"], "predicted": table["predicted"]}
    second = {"score": noisy, "predicted": np.where(noisy > 0.5, "yes", "no").tolist()}
    return first, second, table["label"]


def pairs(kind: str, seed: int, rows: int, *, labelled: float = 1.0) -> PairRows:
    """Return pairs of which a share has a label."""
    first, second, labels = pair_table(kind, seed, rows)
    known = np.random.default_rng(seed + 1).random(rows) < labelled
    told = [label if is_known else None for label, is_known in zip(labels, known, strict=True)]
    return PairRows(first=first, second=second, labels=told)


def part_of(rows: PairRows, chosen: Sequence[int], *, labels: bool = True) -> PairRows:
    """Return some of the pairs, with their labels or without."""
    known = rows.labels if labels else None
    return PairRows(
        first={name: [column[at] for at in chosen] for name, column in rows.first.items()},
        second={name: [column[at] for at in chosen] for name, column in rows.second.items()},
        labels=None if known is None else [known[at] for at in chosen],
    )


def _scored(shares: Any) -> Table:
    names = np.array(CLASSES)
    columns = {f"p_{name}": shares[:, at] for at, name in enumerate(CLASSES)}
    return {**columns, "predicted": names[shares.argmax(axis=1)].tolist()}
