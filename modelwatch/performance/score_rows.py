"""Rows of scores and class keys made ready for counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError, DataError

__all__ = [
    "MOST_REFUSED",
    "NOT_PREDICTED",
    "PREDICTED",
    "SUM_TOLERANCE",
    "UNKNOWN",
    "as_score_rows",
    "check_lengths",
    "check_refused",
    "class_codes",
    "prediction_states",
    "probability_fault",
    "usable_rows",
]

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Keys = Sequence[str | None]

PREDICTED, NOT_PREDICTED, UNKNOWN = 0, 1, 2
"""States of a row for one class: predicted as it, as another, or not known."""

SUM_TOLERANCE = 0.01
"""By which the probabilities of a row may miss a sum of 1: those rounded to two or three digits, or
kept in half precision, miss it by some thousandths, and each class is judged by itself."""

ROUNDING = 1e-9
"""By which a sum may miss the tolerance itself: .33 + .33 + .33 is .99 to rounding."""

MOST_REFUSED = 0.01
"""The share of refused rows beyond which nothing is computed from the rest: the scores then are no
probabilities, and what is left of them is a biased choice."""


def as_score_rows(scores: FloatArray, classes: int) -> FloatArray:
    """Return scores as shape (n, classes).

    Raises:
        ConfigurationError: where they have another.
    """
    found = np.asarray(scores, dtype=np.float64)
    rows = found[:, None] if found.ndim == 1 else found
    if rows.ndim != 2 or rows.shape[1] != classes:
        raise ConfigurationError(
            f"scores have shape {found.shape}: {classes} scored classes need (n, {classes})."
        )
    return rows


def check_lengths(rows: int, **columns: Sequence[object] | FloatArray | None) -> None:
    """Refuse columns of other lengths.

    Raises:
        ConfigurationError: naming the column.
    """
    for name, values in columns.items():
        if values is not None and len(values) != rows:
            raise ConfigurationError(f"{name} holds {len(values)} values, the batch {rows} rows.")


def usable_rows(scores: FloatArray, refused: Counter[str]) -> npt.NDArray[np.bool_]:
    """Tell which rows hold probabilities, and count the others.

    Args:
        scores: shape (n, classes).
        refused: counts up `missing` (a NaN), `range` (outside [0, 1], or infinite) and `sum`
            (several classes that do not sum to 1 +- `SUM_TOLERANCE`).

    >>> refused = Counter()
    >>> usable_rows(np.array([[0.5], [1.5], [np.nan]]), refused).tolist(), dict(refused)
    ([True, False, False], {'missing': 1, 'range': 1})
    """
    lowest, highest = scores.min(axis=1), scores.max(axis=1)
    usable = (lowest >= 0) & (highest <= 1)
    if scores.shape[1] > 1:
        total = np.abs(scores.sum(axis=1, where=usable[:, None]) - 1)
        fitting = usable & (total <= SUM_TOLERANCE + ROUNDING)
        _count(refused, "sum", int(usable.sum() - fitting.sum()))
        in_range, usable = usable, fitting
    else:
        in_range = usable
    if not in_range.all():
        missing = int(np.isnan(lowest).sum())
        _count(refused, "missing", missing)
        _count(refused, "range", int((~in_range).sum()) - missing)
    return np.asarray(usable, dtype=np.bool_)


def class_codes(keys: Keys | None, classes: Sequence[str], rows: int) -> Codes:
    """Return the position of each key among the classes, shape (rows,).

    Args:
        keys: one a row, None where unknown; or None where all are.
        classes: all different.
        rows: how many there are.

    Returns:
        Positions; the number of classes for any other key, -1 for None.

    >>> class_codes(["b", None, "z", "a"], ["a", "b"], 4).tolist()
    [1, -1, 2, 0]
    """
    if keys is None:
        return np.full(rows, -1, dtype=np.intp)
    table: dict[str | None, int] = {name: code for code, name in enumerate(classes)}
    table[None] = -1
    return np.fromiter(map(table.get, keys, repeat(len(classes))), dtype=np.intp, count=rows)


def prediction_states(found: Codes, code: int) -> Codes:
    """Return the state of each row for one class, from the codes of the predicted classes.

    Args:
        found: shape (n,), negative where unknown.
        code: of the class.

    >>> prediction_states(np.array([0, 1, -1]), 0).tolist() == [PREDICTED, NOT_PREDICTED, UNKNOWN]
    True
    """
    return np.asarray(np.where(found < 0, UNKNOWN, found != code), dtype=np.intp)


def check_refused(rows: int, refused: Mapping[str, int]) -> None:
    """Refuse a summary that has no rows, or too many that are no probabilities.

    Raises:
        DataError: saying which and how many.
    """
    fault = probability_fault(rows, refused)
    if fault:
        raise DataError(fault)
    if not rows:
        missing = refused.get("missing", 0)
        reason = f"all {missing} are missing" if missing else "there are no rows"
        raise DataError(f"no score to judge: {reason}.")


def probability_fault(rows: int, refused: Mapping[str, int]) -> str:
    """Say which rows are no probabilities, where they are too many; empty where not.

    Args:
        rows: those that are.
        refused: the others, as `usable_rows` counts them.

    >>> probability_fault(98, {"range": 2})
    'scores are no probabilities in 2 of 100 rows (2 outside [0, 1]): give probabilities of the
     classes.'
    """
    bad = {"range": "outside [0, 1]", "sum": f"not summing to 1 +- {SUM_TOLERANCE}"}
    found = {name: refused.get(name, 0) for name in bad if refused.get(name, 0)}
    if sum(found.values()) > MOST_REFUSED * (rows + sum(found.values())):
        reasons = ", ".join(f"{count} {bad[name]}" for name, count in found.items())
        return (
            f"scores are no probabilities in {sum(found.values())} of "
            f"{rows + sum(found.values())} rows ({reasons}): give probabilities of the classes."
        )
    return ""


def _count(refused: Counter[str], reason: str, rows: int) -> None:
    if rows:
        refused[reason] += rows
