"""One measure of two versions beside each other, and what it says of the candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from modelwatch.rollout.sequential import SequentialDifference

__all__ = ["ERRORS", "LATENCY", "Evidence", "Standing", "is_better_higher"]

Standing = Literal["better", "no_worse", "worse", "open"]
"""``worse``: surely worse, by more than the margin; ``no_worse``: surely not worse by more than the
margin; ``better``: surely better at all; ``open``: neither can be told yet."""

ERRORS: Final = "error_rate"
LATENCY: Final = "latency_seconds"

LOWER_IS_BETTER: Final = frozenset(
    {
        ERRORS,
        LATENCY,
        "brier",
        "expected_calibration_error",
        "log_loss",
        "mae",
        "mse",
        "rmse",
    }
)


def is_better_higher(name: str) -> bool:
    """Tell whether a measure is the better the higher it is.

    >>> is_better_higher("accuracy"), is_better_higher("pinball_0.5")
    (True, False)
    """
    return name not in LOWER_IS_BETTER and not name.startswith("pinball_")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A measure of the stable version and of the candidate.

    Attributes:
        name: of the measure.
        stable: its value of the stable version.
        candidate: of the candidate.
        told: candidate less stable, with what may be said of it at any time.
        margin: by how much the candidate may be worse, in units of the measure, above 0.
        stable_rows: rows or calls that it rests on.
        candidate_rows: of the candidate.
        is_paired: whether both were measured on the same rows.
    """

    name: str
    stable: float
    candidate: float
    told: SequentialDifference
    margin: float
    stable_rows: int
    candidate_rows: int
    is_paired: bool = False

    @property
    def gain(self) -> tuple[float, float, float]:
        """By how much the candidate is better: at least, as measured, at most."""
        told = self.told
        if is_better_higher(self.name):
            return told.lower, told.difference, told.upper
        return 0.0 - told.upper, 0.0 - told.difference, 0.0 - told.lower

    @property
    def standing(self) -> Standing:
        """What the measure says of the candidate.

        What is surely worse lies beyond the margin as measured: a loss that is certain, and so
        small that nobody minds, rolls nothing back.
        """
        least, gain, most = self.gain
        if not self.told.is_told:
            return "open"
        if most < 0 and gain < -self.margin and self.told.p_value <= self.told.alpha:
            return "worse"
        if least > 0 and self.told.p_value <= self.told.alpha:
            return "better"
        return "no_worse" if least > -self.margin else "open"
