"""A detector of a change in a stream of errors that tells between what it lies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice

from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.detectors.adwin import ADWIN
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number, shown, whole

__all__ = ["ErrorDetector", "Side"]


@dataclass(frozen=True, slots=True)
class Side:
    """The values on one side of a change.

    Attributes:
        rows: how many.
        mean: their mean.
        m2: their squared deviations from it, summed up.
    """

    rows: int
    mean: float
    m2: float

    @property
    def variance(self) -> float:
        """The unbiased variance; 0.0 of a single value."""
        return self.m2 / (self.rows - 1) if self.rows > 1 else 0.0

    def joined(self, newer: Side) -> Side:
        """Return the values of both."""
        rows = self.rows + newer.rows
        gap = newer.mean - self.mean
        m2 = self.m2 + newer.m2 + gap * gap * self.rows * newer.rows / rows
        return Side(rows, self.mean + gap * newer.rows / rows, m2)


class ErrorDetector(ADWIN):
    """`ADWIN` in the paper's mode, for values that may depend on their neighbours.

    Where the mean of n neighbouring values varies phi(n) times as much as that of independent ones,
    the bound of a cut is that of n / phi(n) values: a daily cycle of the error rate is then no
    change, as long as phi was measured on rows that had it. Not thread-safe.

    Args:
        delta: the confidence parameter of each check, in (0, 1).
        sizes: numbers of rows for which phi is known, increasing; none of independent rows.
        phi: the design effect at each size, 1 or more.

    Attributes:
        sides: what lies before and after the change that the last value told of; None else.

    Raises:
        ConfigurationError: where an argument is out of range.

    >>> detector = ErrorDetector()
    >>> for value in [0.0] * 512 + [1.0] * 32:
    ...     detector.update(value)
    >>> detector.drift_detected, detector.sides[0].rows, detector.sides[1].mean
    (True, 512, 1.0)
    """

    def __init__(
        self,
        *,
        delta: float = 0.002,
        sizes: Sequence[int] = (),
        phi: Sequence[float] = (),
    ) -> None:
        self.sizes = tuple(whole("a size", size, 1) for size in _listed("sizes", sizes))
        self.phi = tuple(number("phi", value, least=1.0) for value in _listed("phi", phi))
        if len(self.sizes) != len(self.phi) or list(self.sizes) != sorted(set(self.sizes)):
            raise ConfigurationError(
                f"sizes are {self.sizes[:5]}, with {len(self.phi)} values of phi: give increasing "
                "ones, and a phi for each."
            )
        self._effect = DesignEffect(self.sizes, self.phi, (math.inf,) * len(self.phi))
        self.sides: tuple[Side, Side] | None = None
        super().__init__(delta=delta)

    @property
    def bucket_starts(self) -> list[int]:
        """How many values of the window come before each of its buckets: where it may be cut."""
        starts, at = [], 0
        for rows, _, _ in self._memory.oldest_first():
            starts.append(at)
            at += rows
        return starts

    def confidence(self) -> float:
        """Return 1 - delta of the strictest detector that would have told the last change.

        The delta for which the bound equals the gap of the two sides. In [0, 1); 0.0 without any.
        """
        if self.sides is None:
            return 0.0
        before, after = self.sides
        whole, inverse = before.joined(after), self._noise(before.rows, after.rows)
        linear, root = 2 / 3 * inverse, math.sqrt(2 * whole.m2 / whole.rows * inverse)
        gap = abs(after.mean - before.mean)
        log_term = ((math.sqrt(root * root + 4 * linear * gap) - root) / (2 * linear)) ** 2
        return 1.0 - min(2 * math.log(whole.rows) * math.exp(-log_term), 1.0)

    def phi_of(self, side: Side) -> float:
        """Return the design effect of a side's mean."""
        return self._effect.phi_at(side.rows)

    def _resume(self) -> None:
        super()._resume()
        self.sides = None

    def _check(self) -> None:
        cut = self._clearest_change()
        if cut.buckets:
            buckets = self._memory.oldest_first()
            before = _side(islice(buckets, cut.buckets))
            self.sides = before, _side(islice(buckets, cut.buckets, None))
            self._alarm("rise" if cut.gap > 0 else "fall")
            self._memory.drop_oldest(cut.buckets)

    def _noise(self, n0: int, n1: int) -> float:
        if not self.sizes:
            return super()._noise(n0, n1)
        least = self.min_window_length - 1
        return self._effect.phi_at(n0) / (n0 - least) + self._effect.phi_at(n1) / (n1 - least)


def _side(buckets: Iterable[tuple[int, float, float]]) -> Side:
    return reduce(Side.joined, (Side(rows, total / rows, m2) for rows, total, m2 in buckets))


def _listed(name: str, values: object) -> Sequence[object]:
    if not isinstance(values, (list, tuple)):
        raise ConfigurationError(f"{name} is {shown(values)}: give a list of numbers.")
    return values
