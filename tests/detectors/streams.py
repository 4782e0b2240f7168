"""Seeded streams, and where a detector alarms on them."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Detector(Protocol):
    """What takes values and tells of a change."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""

    def update(self, value: float) -> object:
        """Take one value."""


def errors(seed: int, before: float = 0.2, after: float = 0.5, rows: int = 5_000) -> list[float]:
    """Return error indicators whose rate changes half-way."""
    rng = np.random.default_rng(seed)
    halves = [rng.random(rows) < before, rng.random(rows) < after]
    return [float(value) for value in np.concatenate(halves)]


def levels(seed: int) -> list[float]:
    """Return normal values whose mean changes three times, up and down."""
    rng = np.random.default_rng(seed)
    parts = [rng.normal(mean, 1.0, 1_500) for mean in (0.0, 0.5, -0.5, 3.0)]
    return [float(value) for value in np.concatenate(parts)]


def alarms(detector: Detector, stream: list[float]) -> list[int]:
    """Return the indices of the values that raise an alarm."""
    found = []
    for index, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            found.append(index)
    return found
