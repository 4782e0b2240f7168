"""Predictions with their labels, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError
from modelwatch.tables.compact_columns import RawColumn

__all__ = ["JoinedRows"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class JoinedRows:
    """Rows of one model version whose truth is known, in the order in which it became known.

    Attributes:
        labels: the truth of each row: a class as text or boolean, or a number.
        outputs: what was predicted, by the name of the output as the baseline has it.
        predicted_ns: when each was predicted, Unix nanoseconds, shape (n,).
        labelled_ns: when its truth became known, Unix nanoseconds, shape (n,).
        features: inputs by name, where they were asked for; None stands for a missing value.

    Raises:
        ConfigurationError: where columns are of different lengths.

    >>> JoinedRows(labels=["yes", "no"], outputs={"score": [0.9, 0.2]},
    ...            predicted_ns=np.array([1, 2]), labelled_ns=np.array([5, 9])).rows
    2
    """

    labels: Sequence[str | bool | float | int]
    outputs: Mapping[str, RawColumn]
    predicted_ns: IntArray
    labelled_ns: IntArray
    features: Mapping[str, RawColumn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = {"predicted_ns": self.predicted_ns, "labelled_ns": self.labelled_ns}
        for name, column in {**self.outputs, **self.features, **told}.items():
            if len(column) != self.rows:
                raise ConfigurationError(
                    f"{name} holds {len(column)} values, and there are {self.rows} labels."
                )

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.labels)
