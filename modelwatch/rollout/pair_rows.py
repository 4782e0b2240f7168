"""Predictions that two versions of a model made under the same ids, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelwatch.errors import ConfigurationError
from modelwatch.tables.compact_columns import RawColumn

__all__ = ["PairRows"]


@dataclass(frozen=True, kw_only=True)
class PairRows:
    """What two versions predicted of the same things: one is in the shadow of the other, say.

    Attributes:
        first: outputs of the one version by name, each a column of n values.
        second: outputs of the other, likewise.
        labels: the truth of each, None where it is not known; None where it is known of none.

    Raises:
        ConfigurationError: where columns are of different lengths.

    >>> PairRows(first={"score": [0.9, 0.2]}, second={"score": [0.8, 0.3]}).rows
    2
    """

    first: Mapping[str, RawColumn]
    second: Mapping[str, RawColumn]
    labels: Sequence[str | bool | int | float | None] | None = None

    def __post_init__(self) -> None:
        labels = {} if self.labels is None else {"labels": self.labels}
        told = {
            **{f"{name} of the first version": column for name, column in self.first.items()},
            **{f"{name} of the second version": column for name, column in self.second.items()},
            **labels,
        }
        for name, column in told.items():
            if len(column) != self.rows:
                raise ConfigurationError(
                    f"{name} holds {len(column)} values, and there are {self.rows} pairs."
                )

    @property
    def rows(self) -> int:
        """How many pairs there are."""
        for columns in (self.first, self.second):
            for column in columns.values():
                return len(column)
        return 0 if self.labels is None else len(self.labels)
