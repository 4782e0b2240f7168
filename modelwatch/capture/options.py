"""Options of a watched function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modelwatch.capture.prediction import Prediction
from modelwatch.capture.sampling import validate_sampling
from modelwatch.errors import ConfigurationError

__all__ = ["CaptureOptions", "OnOutlier"]

OnOutlier = Literal["tag", "raise"] | Callable[[Prediction], object]


@dataclass(frozen=True, kw_only=True)
class CaptureOptions:
    """How one function is watched.

    Attributes:
        inputs: the parameter that holds the features; found by itself where None.
        sample_rate: share of calls whose rows are captured, in [0, 1]. All calls are counted.
        max_rows_per_second: rows captured a second, on average; None for no limit.
        on_outlier: what happens to an input that breaks a limit of the baseline. ``"tag"`` notes it
            on the prediction and its span; ``"raise"`` refuses the call with `OutlierRejected`; a
            function is called with the prediction, and may raise `OutlierRejected` itself.

    Raises:
        ConfigurationError: where a value cannot work.
    """

    inputs: str | None = None
    sample_rate: float = 1.0
    max_rows_per_second: float | None = None
    on_outlier: OnOutlier = "tag"

    def __post_init__(self) -> None:
        if self.inputs is not None and not isinstance(self.inputs, str):
            raise ConfigurationError(
                f"inputs is {self.inputs!r}: give the name of the parameter that holds the "
                "features."
            )
        validate_sampling(self.sample_rate, self.max_rows_per_second)
        if self.on_outlier not in ("tag", "raise") and not callable(self.on_outlier):
            raise ConfigurationError(
                f"on_outlier is {self.on_outlier!r}: give 'tag', 'raise' or a function that takes "
                "the prediction."
            )
