"""What an estimator was asked and what it answered, by name.

Both are read late and inside of the watch, which guards itself: a table that cannot be read is
counted and logged there, and the estimator is none the wiser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

import modelwatch as mw
from modelwatch.errors import DataError

__all__ = ["features", "scores"]

_FIRST: Final = ("X", "data")
"""What scikit-learn and the boosters call the argument that holds the rows."""

_NAMED: Final = ("columns", "column_names")
"""What tables call the names of their columns: pandas, polars; pyarrow."""


class _Late(Mapping[str, Any]):
    """Columns by name, read when they are first looked at."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read = read

    @cached_property
    def _columns(self) -> dict[str, Any]:
        return self._read()

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def features(
    watch: mw.Watch, estimator: object, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> object:
    """Return what the watch reads of a call's arguments.

    Tables bring the names of their columns. Those of an array are the estimator's own, unless the
    baseline knows none of them; else its columns are the baseline's inputs, in order.
    """
    given = [kwargs[name] for name in _FIRST if name in kwargs]
    rows = args[0] if args else given[0] if given else None
    if any(hasattr(rows, name) for name in _NAMED):
        return rows
    return _Late(lambda: _named_columns(watch, estimator, rows))


def scores(watch: mw.Watch, estimator: object, answer: object) -> object:
    """Return what the watch reads of probabilities by class.

    Where the baseline has one score, it is the second class's of two; without a baseline that is
    named ``score``, and those of more classes ``score_`` and the class.
    """
    if not isinstance(answer, np.ndarray) or answer.ndim != 2:
        return answer
    table = answer
    return _Late(lambda: _named_scores(watch, estimator, table))


def _named_columns(watch: mw.Watch, estimator: object, rows: Any) -> dict[str, Any]:
    table = _dense(rows) if hasattr(rows, "get_data") else np.asarray(rows)
    if table.ndim != 2:
        raise DataError(f"an estimator was given an array of shape {table.shape}, not rows.")
    known = watch.feature_names
    for names in (*_own_names(rows), *_own_names(estimator), known):
        if len(names) == table.shape[1] and not (known and set(known).isdisjoint(names)):
            return dict(zip(map(str, names), table.T, strict=True))
    raise DataError(
        f"an estimator was given an array of shape {table.shape}, whose columns have no names: fit "
        "it on a frame, or set MODELWATCH_BASELINE to a baseline with as many inputs."
    )


def _own_names(source: object) -> Iterator[Sequence[str]]:
    """Find the names that an estimator was fitted on, or that a DMatrix carries."""
    for attribute in ("feature_names_in_", "feature_names", "feature_name"):
        found: Any = getattr(source, attribute, None)
        found = found() if callable(found) else found
        if found is not None:
            yield list(found)


def _dense(matrix: Any) -> np.ndarray[Any, Any]:
    """Return the values of XGBoost's DMatrix, which keeps neither missing values nor their place.

    They are read as XGBoost hands them out: as a sparse matrix of those that are there.
    """
    present = matrix.get_data().tocoo()
    table = np.full(present.shape, np.nan)
    table[present.row, present.col] = present.data
    return table


def _named_scores(
    watch: mw.Watch, estimator: object, table: np.ndarray[Any, Any]
) -> dict[str, Any]:
    found: Any = getattr(estimator, "classes_", None)
    classes = list(range(table.shape[1])) if found is None else list(found)
    score = watch.baseline.score if watch.baseline is not None else "score"
    if isinstance(score, Mapping):
        names = {str(name): column for name, column in score.items()}
        return {
            names[str(name)]: column
            for name, column in zip(classes, table.T, strict=True)
            if str(name) in names
        }
    if score is None:
        return {}
    if table.shape[1] == 2:
        return {score: table[:, 1]}
    return {f"{score}_{name}": column for name, column in zip(classes, table.T, strict=True)}
