"""Features replaced by their descriptors, in rows and in tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown, text
from modelwatch.tables.compact_columns import CodedColumn, RawColumn
from modelwatch.tables.tensors import array_of, is_tensor
from modelwatch.tables.value_kinds import ABSENT, NULL_NAMES

if TYPE_CHECKING:
    from modelwatch.extractors.registry import Extractor

__all__ = ["NO_EXTRACTION", "Extraction", "checked_extractors"]

FAULTS: Final = Exception
"""What a user's function may raise; the value's descriptors are then missing."""

_MOST_DESCRIPTORS: Final = 100
"""Of one value; a function that returns more describes nothing."""


def checked_extractors(extractors: object) -> dict[str, str]:
    """Return the name of an extractor by feature; none for None.

    Raises:
        ConfigurationError: where it is no such mapping.
    """
    if extractors is None:
        return {}
    if not isinstance(extractors, Mapping):
        raise ConfigurationError(
            f"extractors is {shown(extractors)}: give a mapping of feature to the name of an "
            "extractor, as in {'review': 'text'}, or None."
        )
    return {
        text("a feature of extractors", feature): text(
            f"the extractor of {feature!r}", name, "the name of one, as in 'text'"
        )
        for feature, name in extractors.items()
    }


class Extraction:
    """Replaces features by descriptors named ``feature.descriptor``. Immutable, thread-safe.

    A value that is null, or that its function raises for, has no descriptor: each is then null
    where it is known from other values, and absent else.

    Args:
        extractors: the name of an extractor by feature.

    Raises:
        ConfigurationError: where there is no such extractor.

    >>> Extraction({"review": "text"}).of_row({"stars": 5, "review": ""})
    {'stars': 5, 'review.length': 0, 'review.words': 0}
    """

    def __init__(self, extractors: Mapping[str, str]) -> None:
        self.names = dict(extractors)
        self._extractors: dict[str, Extractor] = {}
        if extractors:
            # Most have none, and then need none of the functions that describe.
            from modelwatch.extractors.registry import extractor_named

            self._extractors = {name: extractor_named(by) for name, by in extractors.items()}

    def __bool__(self) -> bool:
        return bool(self._extractors)

    def __contains__(self, feature: object) -> bool:
        return feature in self._extractors

    def __iter__(self) -> Iterator[str]:
        return iter(self._extractors)

    def __len__(self) -> int:
        return len(self._extractors)

    def is_one(self, feature: str, value: object) -> bool:
        """Tell whether a value is what a feature's extractor describes, and not a column of it."""
        return self._extractors[feature].is_one(value)

    def of_row(self, fields: Mapping[Any, Any]) -> Mapping[Any, Any]:
        """Return a row with descriptors in place of the features that have an extractor."""
        if self._extractors.keys().isdisjoint(fields):
            return fields
        found: dict[Any, Any] = {}
        for name, value in fields.items():
            extractor = self._extractors.get(name)
            if extractor is None:
                found[name] = value
            else:
                descriptors = _described(extractor, value)
                found |= {f"{name}.{key}": number for key, number in descriptors.items()}
        return found

    def of_columns(self, columns: Mapping[str, RawColumn]) -> dict[str, RawColumn]:
        """Return columns likewise; each distinct value of a coded column is described once."""
        found: dict[str, RawColumn] = {}
        for name, column in columns.items():
            extractor = self._extractors.get(name)
            if extractor is None:
                found[name] = column
            else:
                descriptors = _described_column(extractor, column)
                found |= {f"{name}.{key}": values for key, values in descriptors.items()}
        return found

    def readable(self, data: object) -> object:
        """Return data with arrays of vectors or images as one value a row, where it has such.

        Args:
            data: a table; of a mapping of columns, arrays of more than one dimension become lists.
        """
        if not isinstance(data, Mapping) or self._extractors.keys().isdisjoint(data):
            return data
        return {
            name: _as_values(values) if name in self._extractors else values
            for name, values in data.items()
        }


NO_EXTRACTION: Final = Extraction({})


def _as_values(values: Any) -> Any:
    if is_tensor(values):
        values = array_of(values)
    return list(values) if isinstance(values, np.ndarray) and values.ndim > 1 else values


def _described(extractor: Extractor, value: object) -> Mapping[str, float]:
    """Return the descriptors of a value; none where it is null or its function fails."""
    if value is ABSENT or type(value).__name__ in NULL_NAMES:
        return {}
    try:
        return _numbers(extractor.describe(value))
    except FAULTS:
        return {}


def _numbers(descriptors: Mapping[str, float]) -> dict[str, float]:
    """Return descriptors as plain numbers, which nobody can change.

    Raises:
        ValueError: where there are too many.
    """
    if len(descriptors) > _MOST_DESCRIPTORS:
        raise ValueError(f"{len(descriptors)} descriptors of one value")
    return {
        str(name): value if type(value) is int else float(value)
        for name, value in descriptors.items()
    }


def _described_column(extractor: Extractor, column: RawColumn) -> dict[str, RawColumn]:
    if isinstance(column, CodedColumn):
        of_values = _described_column(extractor, [*column.values, None])
        return {
            name: [values[code] for code in column.codes.tolist()]
            for name, values in of_values.items()
        }
    rows = [_described(extractor, value) for value in column]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
