"""What a change of its inputs does to a model: how much worse or how other predictions get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError
from modelwatch.tables.columns import categorical_column, category_key, numeric_column
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.value_kinds import infer_kind

__all__ = ["Predictions", "effect_on"]

MOST_CLASSES = 50
"""Whole numbers of at most so many distinct values are classes."""

SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)
"""Probabilities are kept so far from 0 and 1 before their logarithm is taken, as scikit-learn
does."""

Predictions = npt.NDArray[Any]
"""One a row, shape (rows,), or a probability for each class, shape (rows, classes)."""

Effect = Callable[[Predictions], float]


def effect_on(
    first: Predictions, label: RawColumn | None, classes: Sequence[Any] | None = None
) -> Effect:
    """Return a function that measures the effect of what led to new predictions.

    Args:
        first: the predictions without it.
        label: the truth, raw, one a row; None where unknown.
        classes: the classes of the columns of probabilities, or of the predictions; None where the
            model does not tell.

    Returns:
        The increase of the loss where some row has a label: log loss of probabilities, share of
        wrong classes, mean squared error of numbers. Else how much the predictions differ: the
        share of other classes, or the mean absolute change over the standard deviation, of
        probabilities both summed over the classes.

    Raises:
        DataError: where probabilities are of more or fewer classes than the labels.

    >>> effect_on(np.array([1.0, 2.0]), [1.0, 2.0])(np.array([2.0, 1.0]))
    1.0
    >>> effect_on(np.array(["a", "b", "b", "a"]), None)(np.array(["a", "b", "a", "a"]))
    0.25
    """
    loss = None if label is None else _loss(first, label, classes)
    if loss is None:
        is_class = first.ndim == 1 and _are_classes(first, classes)
        return lambda found: _share_changed(first, found) if is_class else _moved(first, found)
    before = loss(first)
    return lambda found: loss(found) - before


def _loss(first: Predictions, label: RawColumn, classes: Sequence[Any] | None) -> Effect | None:
    """Return the loss of predictions; None where no row has a label to compare them with."""
    if first.ndim == 2:
        return _log_loss(first, label, classes)
    if _are_classes(first, classes) and _are_classes(_known(label), classes):
        return _share_wrong(label)
    numbers = numeric_column(label).values
    usable = ~np.isnan(numbers)
    if first.dtype.kind not in "fiub" or not usable.any():
        return None
    truth = numbers[usable]
    return lambda found: float(np.mean((found[usable].astype(np.float64) - truth) ** 2))


def _log_loss(first: Predictions, label: RawColumn, classes: Sequence[Any] | None) -> Effect | None:
    """Return the mean of -ln of the probability of the true class."""
    column = categorical_column(label)
    if classes is None:
        classes = sorted(column.counts, key=_by_number)
    names = [category_key(name) for name in classes]
    if not column.counts:
        return None
    if len(names) != first.shape[1]:
        raise DataError(
            f"model_object returns {first.shape[1]} probabilities a row, and the label has the "
            f"classes {names}: give a model with classes_, or one column for each class."
        )
    codes = column.codes({name: place for place, name in enumerate(names)}, -1)
    rows = np.flatnonzero(codes >= 0)
    if not rows.size:
        return None

    def loss(found: Predictions) -> float:
        true = found[rows, codes[rows]].astype(np.float64)
        return float(-np.log(np.clip(true, SMALLEST_PROBABILITY, 1.0)).mean())

    return loss


def _share_wrong(label: RawColumn) -> Effect | None:
    truth = categorical_column(label).keys
    rows = [place for place, key in enumerate(truth) if key is not None]
    if not rows:
        return None

    def loss(found: Predictions) -> float:
        keys = categorical_column(found).keys
        return sum(keys[place] != truth[place] for place in rows) / len(rows)

    return loss


def _share_changed(first: Predictions, found: Predictions) -> float:
    return float(np.mean(np.asarray(found != first, dtype=bool)))


def _moved(first: Predictions, found: Predictions) -> float:
    before, now = (np.asarray(side, dtype=np.float64) for side in (first, found))
    spread = float(np.sum(before.std(axis=0)))
    # A model of one answer has no spread; where it moves all the same, its own unit is as good.
    return float(np.sum(np.abs(now - before).mean(axis=0))) / (spread or 1.0)


def _are_classes(values: Predictions, classes: Sequence[Any] | None) -> bool:
    """Tell whether values are classes: texts, booleans, or few whole numbers."""
    if classes is not None or infer_kind(values) == "categorical":
        return True
    distinct = np.unique(numeric_column(values).finite)
    return distinct.size <= MOST_CLASSES and bool(np.all(distinct == np.floor(distinct)))


def _known(label: RawColumn) -> Predictions:
    return np.array([value for value in label if value is not None], dtype=object)


def _by_number(key: str) -> tuple[float, str]:
    """Sort keys of numbers by their number, as scikit-learn sorts classes."""
    try:
        return float(key), key
    except ValueError:
        return float("inf"), key
