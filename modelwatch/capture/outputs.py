"""What a watched function returned, as columns of the baseline's outputs.

`frozen` copies a result on the caller's thread; `OutputReader` reads it later, in the fold thread.
"""

from __future__ import annotations

import datetime
import enum
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from modelwatch.capture.inference_protocol import InferenceTensors, holds_tensors, read_tensors
from modelwatch.errors import DataError
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.fields import attributes_of, flattened
from modelwatch.tables.raw_columns import quick_columns
from modelwatch.tables.tensors import array_of, is_tensor

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["DEFAULT_OUTPUT", "IMMUTABLE", "Failure", "OutputReader", "frozen"]

DEFAULT_OUTPUT: Final = "prediction"
"""The name of an output that is a bare value, where no baseline names it."""

IMMUTABLE: Final = frozenset({float, int, str, bool, type(None), np.float64, np.float32, np.int64})
"""Types of results that are kept as they are; all others are copied by `frozen`."""


@dataclass(frozen=True)
class Failure:
    """Stands for the result of a call that raised."""

    error_type: str


_FLOATS: Final = (float, np.floating)
_SCALARS: Final = (str, numbers.Number, np.generic, enum.Enum, datetime.date, Failure)
_UNREADABLE: Final = b""
"""Stands for results of other types; columns count it as ``wrong_type``."""

_MOST_NAMES: Final = 100
"""Outputs that are read of some results, first come."""

_DEEPEST: Final = 16
"""Levels of nesting that are copied."""

_MOST_PARTS: Final = 100_000
"""Lists, mappings and values of rarer types that are copied of one result, all levels together."""


def frozen(output: Any) -> object:
    """Return a copy of a result that later changes cannot reach: plain values, dicts, lists."""
    kind = type(output)
    if kind in IMMUTABLE:
        return output
    if kind is dict:
        for value in output.values():
            if type(value) not in IMMUTABLE:
                break
        else:
            return output.copy()
    if kind is tuple and IMMUTABLE.issuperset(map(type, output)):
        return output
    return _frozen(output, iter(range(_MOST_PARTS)), _DEEPEST)


def _frozen(output: Any, budget: Iterator[int], levels: int) -> object:
    """Copy what may have parts; of what has too many, or too deep ones, the rest is unreadable."""
    kind = type(output)
    if kind in IMMUTABLE:
        return output
    if next(budget, None) is None or not levels:
        return _UNREADABLE
    if kind is list and IMMUTABLE.issuperset(map(type, output)):
        return output.copy()
    fields = attributes_of(output)
    if fields is not None and kind is not Failure:
        return _frozen_fields(fields, budget, levels - 1)
    if isinstance(output, (tuple, list)):
        items = [_frozen(item, budget, levels - 1) for item in output]
        return items if isinstance(output, list) else tuple(items)
    if isinstance(output, np.ndarray) or is_tensor(output):
        return _frozen_array(output)
    if hasattr(output, "columns") or hasattr(output, "column_names"):
        return {name: _as_list(column) for name, column in quick_columns(output).items()}
    if hasattr(output, "__array__"):
        return np.array(output)
    return output if isinstance(output, _SCALARS) else _UNREADABLE


def _frozen_fields(fields: Mapping[Any, Any], budget: Iterator[int], levels: int) -> object:
    if "outputs" in fields and holds_tensors(fields, "outputs"):
        try:
            tensors = read_tensors(fields, "outputs")
            return InferenceTensors({name: _copied(tensor) for name, tensor in tensors.items()})
        except DataError:  # like such a response, and none
            pass
    return {str(name): _frozen(value, budget, levels) for name, value in fields.items()}


def _frozen_array(array: Any) -> object:
    """Copy one value, one a row, or some a row; what has more dimensions is no output."""
    if len(array.shape) > 2:
        return _UNREADABLE
    copied = array.copy() if isinstance(array, np.ndarray) else array_of(array)
    return copied if copied.ndim else copied.item()


def _copied(column: RawColumn) -> RawColumn:
    return column.copy() if isinstance(column, np.ndarray) else list(column)


class OutputReader:
    """Maps results on output names.

    Where none of the baseline's outputs can be found in a result, all are absent; an output that
    the results never hold is not counted as absent beside one that they hold, because a baseline
    often has both label and score while the service returns one.
    Immutable and thread-safe.

    Args:
        baseline: names the outputs; where None, a bare value is `prediction` and the keys of a
            mapping are names.
    """

    def __init__(self, baseline: Baseline | None) -> None:
        self._known = None if baseline is None else frozenset(baseline.outputs)
        score = baseline.score if baseline is not None else None
        self._classes = tuple(score.values()) if isinstance(score, Mapping) else ()
        scores = score if isinstance(score, str) else None
        labels = baseline.prediction if baseline is not None else DEFAULT_OUTPUT
        self._label = labels or scores
        self._score = scores or labels
        self._has_both = labels is not None and scores is not None

    def columns(self, outputs: Sequence[Any]) -> dict[str, RawColumn]:
        """Return the output columns of as many rows as there are results."""
        if self._score is not None and set(map(type, outputs)) <= {float}:
            return {self._score: outputs}
        rows = [self._row(output) for output in outputs]
        found = dict.fromkeys(name for row in rows for name in row if row[name] is not ABSENT)
        names = list(islice(found, _MOST_NAMES)) or list(self._known or ())
        return {name: [row.get(name, ABSENT) for row in rows] for name in names}

    def batch_columns(self, output: Any, rows: int) -> dict[str, RawColumn]:
        """Return the output columns of a batch from its one result.

        Args:
            output: a frozen result: one item a row, a table, or a tuple of such.
            rows: how many rows the batch had; a result of another length is taken as absent.
        """
        columns = self._batch(output, rows)
        fitting = {name: column for name, column in columns.items() if len(column) == rows}
        return fitting or {name: [ABSENT] * rows for name in self._known or ()}

    def _batch(self, output: Any, rows: int) -> dict[str, RawColumn]:
        output = self._unnamed(output)
        if isinstance(output, Mapping):
            return {name: _as_list(column) for name, column in self._named(output).items()}
        if isinstance(output, np.ndarray):
            return self._array(output)
        if isinstance(output, tuple) and all(_has_length(item, rows) for item in output):
            parts = [self._batch(item, rows) for item in output]
            return {name: column for part in parts for name, column in part.items()}
        if isinstance(output, (list, tuple)) and len(output) == rows:
            return self.columns(output)
        return self.columns([output]) if rows == 1 else {}

    def _array(self, array: np.ndarray[Any, Any]) -> dict[str, RawColumn]:
        if array.ndim == 2 and array.shape[1] == len(self._classes) > 0:
            return dict(zip(self._classes, array.T, strict=True))
        if array.ndim == 2 and array.shape[1] == 2 and self._has_both:
            array = array[:, 1]
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        name = self._score if array.dtype.kind == "f" else self._label
        return {name: array.tolist()} if array.ndim == 1 and name is not None else {}

    def _unnamed(self, output: Any) -> Any:
        """Return a single tensor by itself where its name says nothing, else the result."""
        if not isinstance(output, InferenceTensors) or len(output) != 1:
            return output
        ((name, tensor),) = output.items()
        return output if self._known is None or name in self._known else tensor

    def _row(self, output: Any) -> dict[str, Any]:
        output = self._unnamed(output)
        if isinstance(output, Mapping):
            return {name: _alone(value) for name, value in self._named(output).items()}
        if isinstance(output, np.ndarray):
            output = output.tolist()
        if isinstance(output, (list, tuple)):
            return self._items(output)
        name = self._score if isinstance(output, _FLOATS) else self._label
        return {} if name is None else {name: output}

    def _items(self, items: Sequence[Any]) -> dict[str, Any]:
        """Read several values for one row: probabilities by class, or a label and a score."""
        if self._classes and len(items) == len(self._classes):
            return dict(zip(self._classes, items, strict=True))
        parts = [self._row(item) for item in items[:2]] if len(items) <= 2 else []
        return {name: value for part in parts for name, value in part.items()}

    def _named(self, output: Mapping[str, Any]) -> dict[str, Any]:
        try:
            flat = flattened(output)
        except DataError:  # far too many fields: none of them is looked for
            return {}
        named = {str(name): value for name, value in flat.items()}
        if self._known is None:
            return named
        return {name: named[name] for name in self._known if name in named}


def _alone(value: Any) -> Any:
    """Return the only item of a column of one row, or the value."""
    is_column = isinstance(value, (list, np.ndarray)) and len(value) == 1
    return _as_list(value)[0] if is_column else value


def _as_list(column: Any) -> list[Any]:
    to_list: Callable[[], list[Any]] | None = getattr(column, "tolist", None)
    if to_list is not None:
        return to_list()
    return list(column) if isinstance(column, (list, tuple)) else [column]


def _has_length(item: Any, rows: int) -> bool:
    return isinstance(item, (list, np.ndarray)) and len(item) == rows
