"""Options of a watch and of a watched function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from modelwatch import settings
from modelwatch.capture.prediction import Prediction
from modelwatch.capture.sampling import validate_sampling
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown
from modelwatch.telemetry.privacy import Redaction, checked_names, matches

__all__ = [
    "Answer",
    "CaptureOptions",
    "OnOutlier",
    "SegmentOf",
    "default_max_rows_per_second",
    "default_sample_rate",
    "default_track_predictions",
    "interval_seconds",
    "validate_watch",
]

_SHORTEST_INTERVAL_SECONDS: Final = 0.1

OnOutlier = Literal["tag", "raise"] | Callable[[Prediction], object]

SegmentOf = str | Callable[[Any], object]
"""The field that holds a row's segment, or a text that is the segment; or what returns the segment
of features, of a batch maybe one a row."""


@dataclass(frozen=True)
class Answer:
    """What an ``on_outlier`` function returns to answer in the model's place.

    Attributes:
        value: what the watched function's caller gets; the function is not called.
    """

    value: Any


def default_sample_rate() -> float:
    """Return the share of ``MODELWATCH_SAMPLE_RATE``.

    Raises:
        ConfigurationError: where it is no share.
    """
    rate = settings.read_number("MODELWATCH_SAMPLE_RATE")
    if rate > 1.0:
        raise ConfigurationError(f"MODELWATCH_SAMPLE_RATE is {rate:g}: give a share from 0 to 1.")
    return rate


def default_track_predictions() -> bool:
    """Return whether known predictions are told by ``MODELWATCH_TRACK_PREDICTIONS``.

    Raises:
        ConfigurationError: where it is no truth value.
    """
    return settings.read_boolean("MODELWATCH_TRACK_PREDICTIONS")


def default_max_rows_per_second() -> float | None:
    """Return the limit of ``MODELWATCH_MAX_ROWS_PER_SECOND``; None where there is none.

    Raises:
        ConfigurationError: where it is no number of zero or more.
    """
    return settings.read_number("MODELWATCH_MAX_ROWS_PER_SECOND") or None


@dataclass(frozen=True, kw_only=True)
class CaptureOptions:
    """How one function is watched.

    Attributes:
        inputs: name of the parameter with the features; looked for where None.
        sample_rate: share of calls whose rows are captured, in [0, 1]. All calls are counted.
        max_rows_per_second: rows captured a second, on average; None for no limit.
        on_outlier: what happens to an input that breaks a limit of the baseline. ``"tag"`` notes it
            on the prediction and its span; ``"raise"`` refuses the call with `OutlierRejected`; a
            function is called with the prediction; it may raise `OutlierRejected` itself, or answer
            in the model's place by returning an `Answer`. For an async function it may be async.
        prediction_id: the field, feature or parameter that holds the row's own id; None for none.
        segment: of the row, where its prediction is told by an id; None for none.
        capture_values: whether the features go along then: all, none, or those of some names.

    Raises:
        ConfigurationError: where a value cannot work.
    """

    inputs: str | None = None
    sample_rate: float = field(default_factory=default_sample_rate)
    max_rows_per_second: float | None = field(default_factory=default_max_rows_per_second)
    on_outlier: OnOutlier = "tag"
    prediction_id: str | None = None
    segment: SegmentOf | None = None
    capture_values: bool | Sequence[Redaction] = False

    def __post_init__(self) -> None:
        if self.inputs is not None and not isinstance(self.inputs, str):
            raise ConfigurationError(
                f"inputs is {self.inputs!r}: give the name of the parameter that holds the "
                "features."
            )
        if self.prediction_id is not None and not _is_name(self.prediction_id):
            raise ConfigurationError(
                f"prediction_id is {shown(self.prediction_id)}: give the name of the field or "
                "parameter that holds the id of a row, as in prediction_id='order_id'."
            )
        if not (self.segment is None or callable(self.segment) or _is_name(self.segment)):
            raise ConfigurationError(
                f"segment is {shown(self.segment)}: give the name of a field, a text, or a "
                "function that takes the features and returns the segment."
            )
        if not isinstance(self.capture_values, bool):
            checked_names("capture_values", self.capture_values)
        validate_sampling(self.sample_rate, self.max_rows_per_second)
        if self.on_outlier not in ("tag", "raise") and not callable(self.on_outlier):
            raise ConfigurationError(
                f"on_outlier is {self.on_outlier!r}: give 'tag', 'raise' or a function that takes "
                "the prediction."
            )

    def sends(self, feature: str) -> bool:
        """Tell whether the values of a feature go along with predictions that are told."""
        wanted = self.capture_values
        return wanted if isinstance(wanted, bool) else matches(wanted, feature)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def validate_watch(model: str, version: str, buffer_rows: int) -> None:
    """Refuse what no watch can be made of.

    Raises:
        ConfigurationError: where a name is empty, or the buffer holds no row.
    """
    for name, value in (("model", model), ("version", version)):
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{name} is {value!r}: give a text that is not empty.")
    if not isinstance(buffer_rows, int) or isinstance(buffer_rows, bool) or buffer_rows < 1:
        raise ConfigurationError(
            f"buffer_rows is {buffer_rows!r}: give a whole number of 1 or more."
        )


def interval_seconds(given: float | None) -> float:
    """Return the seconds between two exports: as given, or as the environment has it.

    Raises:
        ConfigurationError: where either is no positive number.
    """
    if given is None:
        return max(
            settings.read_number("OTEL_METRIC_EXPORT_INTERVAL") / 1_000.0,
            _SHORTEST_INTERVAL_SECONDS,
        )
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < math.inf:
        raise ConfigurationError(
            f"export_interval_seconds is {given!r}: give a positive number of seconds, or None for "
            "the environment's."
        )
    return float(given)
