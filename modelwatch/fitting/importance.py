"""How much a model relies on each of its inputs: permutation importance.

Each input in turn is shuffled among the rows, and what that does to the model is the input's
importance (Breiman, Random Forests, Machine Learning 45, 2001): by how much the predictions get
worse where labels tell, or else by how much they move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.errors import ConfigurationError, DataError
from modelwatch.fitting.batch import Batch
from modelwatch.fitting.importance_effects import Predictions, effect_on
from modelwatch.fitting.importance_tables import ModelRows, frame_of_columns, rows_of
from modelwatch.fitting.order import seconds_of
from modelwatch.tables.compact_columns import RawColumn, concatenated, taken

__all__ = [
    "RowSample",
    "check_model",
    "importances_of",
    "permutation_importances",
    "sampled_rows",
]

MAX_ROWS = 5_000
"""Rows that the model is asked about: an importance of a tenth of the loss's standard deviation
is then seven times its standard error."""

PERMUTATIONS = 3
"""Of each input."""

SEED = 20_010
"""Of the choice of rows and of the permutations, so that a baseline can be made again."""

FAILURES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a model raises that is given rows it cannot read."""

Positions = npt.NDArray[np.intp]


def sampled_rows(rows: int) -> Positions:
    """Return which rows the model is asked about: one of each of 5,000 stretches of equal length.

    >>> sampled_rows(3).tolist(), sampled_rows(1_000_000).size
    ([0, 1, 2], 5000)
    """
    if rows <= MAX_ROWS:
        return np.arange(rows)
    bounds = np.linspace(0, rows, MAX_ROWS + 1).astype(np.intp)
    return np.asarray(np.random.default_rng(SEED).integers(bounds[:-1], bounds[1:]), dtype=np.intp)


class RowSample:
    """Takes those rows out of a stream. A `Summary`.

    Args:
        rows: rows of all the data.

    Attributes:
        places: numbers of the rows, from 0.
    """

    def __init__(self, rows: int) -> None:
        self.places = sampled_rows(rows)
        self._parts: list[dict[str, RawColumn]] = []

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        first, last = np.searchsorted(self.places, [batch.start, batch.start + batch.rows])
        places = self.places[first:last] - batch.start
        self._parts.append({name: taken(values, places) for name, values in batch.raw.items()})

    def columns(self) -> dict[str, RawColumn]:
        """Return the rows that were taken, as raw columns."""
        names = self._parts[0]
        return {name: concatenated([part[name] for part in self._parts]) for name in names}


def check_model(model: Any, importances: object) -> None:
    """Refuse what is no model, before the data is read.

    Raises:
        ConfigurationError: where it has no way to predict, or importances are given too.
    """
    if model is None:
        return
    if importances is not None:
        raise ConfigurationError(
            "importances and model_object are both given: leave out one of them; from the model, "
            "importances are computed."
        )
    _way_of(model)


def importances_of(
    model: Any,
    baseline: Baseline,
    data: object,
    in_memory: Mapping[str, RawColumn] | None,
    sample: RowSample,
) -> dict[str, float]:
    """Return the importance of each input of a baseline, from the data that it was fitted on.

    Args:
        model: see `permutation_importances`.
        baseline: tells inputs, label and timestamp.
        data: what `Baseline.fit` was given.
        in_memory: all its rows as raw columns, in their own order; None of a file or a stream.
        sample: rows of it, in the order of time.

    Raises:
        ConfigurationError: where rows of a file or a stream cannot be made a frame.
        DataError: see `permutation_importances`.
    """
    names = baseline.inputs
    if in_memory is None:
        columns = sample.columns()
        frame = frame_of_columns({name: columns[name] for name in names})
        rows = rows_of(frame, names, np.arange(sample.places.size))
        label = None if baseline.label is None else columns[baseline.label]
        return permutation_importances(model, rows, names, sample.places.size, label)
    places = sample.places
    if baseline.timestamp is not None:
        times = seconds_of(in_memory[baseline.timestamp], baseline.timestamp)
        places = np.argsort(times, kind="stable")[places]
    label = None if baseline.label is None else taken(in_memory[baseline.label], places)
    rows = rows_of(data, names, places)
    return permutation_importances(model, rows, names, places.size, label)


def permutation_importances(
    model: Any, rows: ModelRows, names: Sequence[str], size: int, label: RawColumn | None
) -> dict[str, float]:
    """Return the importance of each input, 0 or more.

    Args:
        model: an object with `predict_proba` or `predict`, or a function that takes a table and
            returns predictions.
        rows: what the model is asked about.
        names: the inputs.
        size: how many rows they are.
        label: the truth of those rows, raw; rows without it do not count. None where unknown, or
            where no row has it.

    Returns:
        With labels, by how much the log loss of probabilities, the accuracy of classes or the mean
        squared error of numbers worsens, on average over three permutations, and 0 where it does
        not. Without, the mean absolute change of the predictions over their standard deviation, or
        the share of changed classes.

    Raises:
        ConfigurationError: where the model has no way to predict.
        DataError: where it fails on the rows, or returns what is no prediction for each.
    """
    ask = _asked(model)
    first = ask(rows.native(), size)
    measure = effect_on(first, label, getattr(model, "classes_", None))
    rng = np.random.default_rng(SEED)
    found: dict[str, float] = {}
    for name in names:
        effects = [
            measure(ask(rows.permuted(name, rng.permutation(size)), size))
            for _ in range(PERMUTATIONS)
        ]
        found[name] = max(float(np.mean(effects)), 0.0)
    return found


Ask = Callable[[Any, int], Predictions]


def _way_of(model: Any) -> Callable[[Any], Any]:
    """Return what makes predictions of a table."""
    ways = (getattr(model, name, None) for name in ("predict_proba", "predict"))
    way = next((found for found in ways if callable(found)), model)
    if isinstance(model, type) or not callable(way):
        raise ConfigurationError(
            f"model_object is {model!r}, which has neither predict_proba nor predict and is no "
            "function: give the trained model, or a function from a table to predictions."
        )
    found: Callable[[Any], Any] = way
    return found


def _asked(model: Any) -> Ask:
    """Return a function from a table to predictions, which are checked."""
    way = _way_of(model)

    def ask(table: Any, size: int) -> Predictions:
        try:
            predictions = np.asarray(way(table))
        except FAILURES as error:
            raise DataError(
                f"model_object fails on rows of the data: {type(error).__name__}: {error}. It is "
                "given the input columns in their order: name those it reads with features=[...], "
                "or give a function that prepares them."
            ) from error
        return _checked(predictions, size)

    return ask


def _checked(predictions: Predictions, size: int) -> Predictions:
    if predictions.ndim == 2 and predictions.shape[1] == 1:
        predictions = predictions[:, 0]
    if predictions.ndim not in (1, 2) or predictions.shape[0] != size:
        raise DataError(
            f"model_object returns predictions of shape {predictions.shape} for {size} rows: one "
            "a row, or one a row and class, is needed."
        )
    if predictions.dtype.kind in "fc" and not np.isfinite(predictions).all():
        raise DataError(
            "model_object returns predictions that are NaN or infinite: give a function that "
            "prepares the rows so that each has a prediction."
        )
    return predictions
