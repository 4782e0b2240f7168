"""Single predictions and their labels, as columns of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

__all__ = [
    "MOST_FEATURES",
    "MOST_ID_CHARACTERS",
    "MOST_OUTPUTS",
    "MOST_ROWS",
    "MOST_TEXT_CHARACTERS",
    "LabelRows",
    "OutcomeValue",
    "PredictionRows",
]

Value = TypeVar("Value")

OutcomeValue = str | bool | int | float | None
"""A class, a number, or None where it is missing."""

MOST_ROWS: Final = 2_048
"""Predictions, or labels, of one event."""

MOST_ID_CHARACTERS: Final = 256
"""Characters of the id of a prediction."""

MOST_TEXT_CHARACTERS: Final = 1_024
"""Characters of an output, a label or a feature that is a text, of a segment and of a name."""

MOST_OUTPUTS: Final = 100
"""Outputs of one event, by name."""

MOST_FEATURES: Final = 1_000
"""Features of one event, by name."""


@dataclass(frozen=True, kw_only=True)
class PredictionRows:
    """Predictions of one model version, to be joined with their labels.

    Attributes:
        model: the model's name.
        version: its version.
        ids: of each prediction; not empty.
        times_ns: when each was made, Unix nanoseconds.
        outputs: what was predicted, by the name of the output; the prediction and the scores that
            the baseline names, or whatever a mapping held where there is no baseline.
        segments: of each; None where there are none. Empty for a row that belongs to none.
        features: inputs by name, where they were asked for.
        sample_rate: share of predictions that are sent, consistent by id (see
            `modelwatch.telemetry.sampled_ids.is_sampled`), in (0, 1].
    """

    model: str
    version: str
    ids: Sequence[str]
    times_ns: Sequence[int]
    outputs: Mapping[str, Sequence[OutcomeValue]]
    segments: Sequence[str] | None = None
    features: Mapping[str, Sequence[OutcomeValue]] = field(default_factory=dict)
    sample_rate: float = 1.0

    def at(self, places: Sequence[int]) -> PredictionRows:
        """Return some of the predictions."""
        return replace(
            self,
            ids=_at(self.ids, places),
            times_ns=_at(self.times_ns, places),
            segments=None if self.segments is None else _at(self.segments, places),
            outputs={name: _at(values, places) for name, values in self.outputs.items()},
            features={name: _at(values, places) for name, values in self.features.items()},
        )


@dataclass(frozen=True, kw_only=True)
class LabelRows:
    """Labels of predictions of one model.

    Attributes:
        model: the model's name.
        ids: of the predictions.
        labels: what turned out to be true of each; None takes a label back.
        times_ns: when each became known, Unix nanoseconds; 0 where that is not told, for which the
            time of receipt stands.
    """

    model: str
    ids: Sequence[str]
    labels: Sequence[OutcomeValue]
    times_ns: Sequence[int]

    def at(self, places: Sequence[int]) -> LabelRows:
        """Return some of the labels."""
        return replace(
            self,
            ids=_at(self.ids, places),
            labels=_at(self.labels, places),
            times_ns=_at(self.times_ns, places),
        )


def _at(values: Sequence[Value], places: Sequence[int]) -> list[Value]:
    return [values[place] for place in places]
