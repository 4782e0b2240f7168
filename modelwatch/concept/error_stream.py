"""Errors in the order in which labels came, watched for a change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.concept.concept_change import ConceptChange
from modelwatch.concept.error_detector import ErrorDetector, Side
from modelwatch.concept.label_times import LabelTimes
from modelwatch.errors import ConfigurationError, DataError, FormatError
from modelwatch.outcomes.read_rows import judging_performance
from modelwatch.parameter_checks import number
from modelwatch.performance.intervals import Z95, wilson_interval
from modelwatch.performance.regression_summary import RegressionSummary

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["ErrorStream"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FORMAT: Final = "modelwatch.error_stream"
FORMAT_VERSION: Final = 1

LARGEST_BYTES: Final = 4_000_000
"""Of a stream's JSON: a damaged one must not fill the memory."""

LARGEST_DEVIATIONS: Final = 4.0
"""Errors of a regression count as this many standard deviations above their mean at most: the
detector is made for bounded values."""

AT_ONCE: Final = 4_096
"""Rows between two looks at whether memory can be freed."""


class ErrorStream:
    """Watches the errors of one model version for a change of their mean, label by label.

    The detector is ADWIN (Bifet and Gavalda, 2007), by default as on its own: for an error rate
    that goes from .2 to .5, 91 labels on average until it is told, .2 to .3: 430; no false alarm in
    2,000,000 labels of a constant rate. Of 20 streams of 40,000 labels whose rate wanders (an
    autoregression of .99), the detector alone calls 363 rises; with the design effect of such rows,
    1, and a rise from .2 to .4 takes 1,600 labels. A stream that was stored and read again goes on
    as if it never had been, whatever the place. Labels that are corrected later stay as they were.

    Memory: some 70 kB, whatever the number of labels. Time: 3 us a label, 6 us with a
    design effect. Not thread-safe.

    Args:
        delta: the confidence parameter of the detector, in (0, 1).
        largest_error: errors beyond count as of this size, above 0; None where they are 0 or 1.
        effect: design effect of the mean error of neighbouring rows: with it, cycles and other
            dependence that the baseline's rows had are no change.

    Attributes:
        rows: errors taken.
        unknown: rows without a known error, which were passed over.

    Raises:
        ConfigurationError: where an argument is out of range.

    >>> stream = ErrorStream()
    >>> errors = np.concatenate([np.zeros(512), np.ones(40)])
    >>> times = np.arange(552) * 1_000_000_000
    >>> [change] = stream.update(errors, times, times)
    >>> change.direction, change.before, change.after, change.began_labelled_ns // 1_000_000_000
    ('rise', 0.0, 1.0, 512)
    """

    __slots__ = ("_detector", "_times", "largest_error", "unknown")

    def __init__(
        self,
        *,
        delta: float = 0.002,
        largest_error: float | None = None,
        effect: DesignEffect | None = None,
    ) -> None:
        self.largest_error = (
            None if largest_error is None else number("largest_error", largest_error, above=0.0)
        )
        curve = DesignEffect() if effect is None or effect.is_flat else effect
        phi = [max(value, 1.0) for value in curve.phi]
        self._detector = ErrorDetector(delta=delta, sizes=curve.sizes, phi=phi)
        self._times = LabelTimes()
        self.unknown = 0

    @classmethod
    def for_baseline(cls, baseline: Baseline, *, delta: float = 0.002) -> ErrorStream:
        """Return a stream for the errors that `errors_of` tells of a baseline's model.

        Args:
            baseline: one that tells of performance.
            delta: the confidence parameter of the detector, in (0, 1).

        Raises:
            ConfigurationError: where the baseline tells nothing of performance.
        """
        performance = judging_performance(baseline)
        reference = performance.reference
        if not isinstance(reference, RegressionSummary):
            return cls(delta=delta, effect=performance.effect)
        place = reference.joint.names.index("absolute_error")
        variance = float(reference.joint.m2[place, place]) / max(reference.rows, 1)
        largest = reference.means["absolute_error"] + LARGEST_DEVIATIONS * math.sqrt(variance)
        return cls(delta=delta, largest_error=largest or 1.0, effect=performance.effect)

    @property
    def rows(self) -> int:
        """Errors taken."""
        return self._times.rows

    @property
    def mean(self) -> float:
        """Mean error since the last change; NaN before the first row."""
        return self._detector.mean * self._unit

    @property
    def rows_since(self) -> int:
        """Errors taken since the last change."""
        return self._detector.width

    def update(
        self, errors: FloatArray, labelled_ns: IntArray, predicted_ns: IntArray
    ) -> list[ConceptChange]:
        """Take the errors of the next labels, in the order in which these became known.

        Args:
            errors: 0 or more; NaN where not known, shape (n,).
            labelled_ns: when each label became known, Unix nanoseconds, shape (n,).
            predicted_ns: when each prediction was made, likewise.

        Returns:
            The changes that they tell of, in their order; mostly none.

        Raises:
            DataError: where an error is out of range, or the lengths differ; nothing is taken then.
        """
        if not errors.size == labelled_ns.size == predicted_ns.size:
            raise DataError(
                f"{errors.size} errors have {labelled_ns.size} and {predicted_ns.size} times."
            )
        known = ~np.isnan(errors)
        values = self._scaled(errors[known])
        labelled, predicted = labelled_ns[known], predicted_ns[known]
        self.unknown += int(errors.size - values.size)
        found: list[ConceptChange] = []
        for start in range(0, values.size, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            found += self._take(values[part], labelled[part], predicted[part])
        return found

    def to_bytes(self) -> bytes:
        """Return all that is remembered, packed: some 2 kB. See `from_bytes`."""
        self._forget()
        body = {
            "largest_error": self.largest_error,
            "detector": self._detector.to_state(),
            "times": self._times.to_dict(),
            "unknown": self.unknown,
        }
        return document.dump_packed(FORMAT, FORMAT_VERSION, body)

    @classmethod
    def from_bytes(cls, packed: bytes) -> ErrorStream:
        """Return a stream that goes on exactly where another was stored.

        Raises:
            FormatError: where the bytes are damaged or of a newer format version.
        """
        body = document.load_packed(
            packed, FORMAT, FORMAT_VERSION, where="the error stream", most_bytes=LARGEST_BYTES
        )
        try:
            result = cls(largest_error=document.optional_number(body, "largest_error"))
            result._detector = ErrorDetector.from_state(document.object_of(body, "detector"))
            result._times = LabelTimes.from_dict(document.object_of(body, "times"))
            result.unknown = document.count(body, "unknown")
        except (ConfigurationError, FormatError) as error:
            raise FormatError(f"the error stream is damaged: {error}") from error
        if result._detector.width > result.rows:
            raise FormatError("the error stream is damaged: its window is longer than itself.")
        return result

    @property
    def _unit(self) -> float:
        return 1.0 if self.largest_error is None else self.largest_error

    def _scaled(self, errors: FloatArray) -> FloatArray:
        """Return errors in [0, 1]."""
        if errors.size and (errors.min() < 0 or (self.largest_error is None and errors.max() > 1)):
            raise DataError(
                f"errors go from {errors.min():g} to {errors.max():g}: give 0 or more, and at most "
                "1 where the stream has no largest_error."
            )
        return np.minimum(errors / self._unit, 1.0)

    def _take(
        self, values: FloatArray, labelled_ns: IntArray, predicted_ns: IntArray
    ) -> list[ConceptChange]:
        first = self.rows
        self._times.append(labelled_ns, predicted_ns)
        found = []
        detector = self._detector
        for place, value in enumerate(values.tolist()):
            detector.update(value)
            if detector.drift_detected:
                found.append(self._change(first + place + 1, int(labelled_ns[place])))
        if self._times.is_full:
            self._forget()
        return found

    def _change(self, taken: int, detected_ns: int) -> ConceptChange:
        detector, unit = self._detector, self._unit
        assert detector.sides is not None
        assert detector.direction is not None
        before, after = detector.sides
        mark = self._times.at(taken - after.rows)
        low, high = self._difference(before, after)
        return ConceptChange(
            direction=detector.direction,
            detected_ns=detected_ns,
            began_ns=mark.predicted_ns,
            began_labelled_ns=mark.labelled_ns,
            before=before.mean * unit,
            after=after.mean * unit,
            difference_lower=low * unit,
            difference_upper=high * unit,
            rows_before=before.rows,
            rows_after=after.rows,
            confidence=detector.confidence(),
        )

    def _difference(self, before: Side, after: Side) -> tuple[float, float]:
        """Return the 95% interval of after - before: Newcombe's (1998) of rates, or the normal."""
        sides = [(side, self._detector.phi_of(side)) for side in (before, after)]
        gap = after.mean - before.mean
        if self.largest_error is not None:
            error = math.sqrt(sum(side.variance * phi / side.rows for side, phi in sides))
            return gap - Z95 * error, gap + Z95 * error
        (low0, high0), (low1, high1) = (
            wilson_interval(side.mean * side.rows, side.rows, phi) for side, phi in sides
        )
        below = math.hypot(after.mean - low1, high0 - before.mean)
        above = math.hypot(high1 - after.mean, before.mean - low0)
        return gap - below, gap + above

    def _forget(self) -> None:
        """Drop the times of labels before which the stream can no longer be cut."""
        start = self.rows - self._detector.width
        self._times.keep(start + place for place in self._detector.bucket_starts)
