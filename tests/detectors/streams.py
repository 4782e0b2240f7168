"""Seeded streams, and where a detector alarms on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np


class Detector(Protocol):
    """What takes values and tells of a change."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""

    def update(self, value: float) -> object:
        """Take one value."""


class WarningDetector(Detector, Protocol):
    """What warns, too."""

    @property
    def warning_detected(self) -> bool:
        """Whether the last value raised a warning."""


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


def losses(seed: int) -> list[float]:
    """Return values between 0 and 1 whose mean changes three times, up and down."""
    rng = np.random.default_rng(seed)
    parts = [rng.beta(*shape, 1_000) for shape in ((2, 5), (4, 5), (2, 8), (5, 2))]
    return [float(value) for value in np.concatenate(parts)]


def alarms(detector: Detector, stream: Iterable[float]) -> list[int]:
    """Return the indices of the values that raise an alarm."""
    found = []
    for index, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            found.append(index)
    return found


def told(detector: WarningDetector, stream: Iterable[float]) -> tuple[list[int], list[int]]:
    """Return the indices of the values that raise an alarm, and of those that only warn."""
    found: list[int] = []
    warned: list[int] = []
    for index, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            found.append(index)
        elif detector.warning_detected:
            warned.append(index)
    return found, warned
