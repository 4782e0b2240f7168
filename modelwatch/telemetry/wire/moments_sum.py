"""Moments of many windows added up as arrays, before they are folded into a profile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.errors import ModelwatchError
from modelwatch.profile import Profile
from modelwatch.sketches import JointMoments, Moments
from modelwatch.telemetry.wire.arrivals import Other
from modelwatch.telemetry.wire.assembling import plain_attributes
from modelwatch.telemetry.wire.folding import MomentNames, fold_moments, moment_names
from modelwatch.telemetry.wire.moments_body import SentMoments, decode_moments

__all__ = ["MomentsSums"]

FloatArray = npt.NDArray[np.float64]


class MomentsSums:
    """Events with moments, one sum of those that name the same features. Not thread-safe."""

    def __init__(self) -> None:
        self._sums: dict[MomentNames, _Sum] = {}

    def add(self, event: Other) -> None:
        """Add an event.

        Raises:
            DecodeError, ModelwatchError, KeyError, TypeError, ValueError: where it cannot be used.
        """
        record = LogRecord.FromString(event.payload)
        told = moment_names(plain_attributes(record.attributes))
        sent = decode_moments(record.body.bytes_value, told.features, told.joint)
        known = self._sums.get(told)
        if known is None:
            self._sums[told] = _Sum(sent, told)
        else:
            known.add(sent)

    def fold(self, profile: Profile) -> int:
        """Fold what was added into a profile, and forget it.

        Returns:
            How many events contradict what was there before, and were left out.
        """
        left_out = 0
        for told, found in self._sums.items():
            try:
                fold_moments(profile, told, found.each(), found.joint)
            except ModelwatchError:
                left_out += found.events
        self._sums.clear()
        return left_out


class _Sum:
    """Merged by the update of Chan, Golub and LeVeque (1979), all features at once.

    Means are kept as their offsets from those of the first window.
    """

    def __init__(self, first: SentMoments, told: MomentNames) -> None:
        self.events = 1
        self.joint: JointMoments | None = first.joint(told.joint)
        self._n = first.n
        self._shift = first.means
        self._offset = np.zeros(first.means.size)
        self._m2 = first.m2

    def add(self, other: SentMoments) -> None:
        self.events += 1
        total = self._n + other.n
        share = other.n / total
        delta = (other.means - self._shift) - self._offset
        self._m2 = self._m2 + other.m2 + delta * delta * (self._n * share)
        self._offset = self._offset + delta * share
        self._n = total
        if self.joint is not None and other.factor is not None:
            m2 = other.factor.m2(other.joint_m2)
            self.joint.fold_in(other.factor.n, other.joint_means, m2)

    def each(self) -> list[Moments]:
        columns = (self._shift, self._n, self._offset, self._m2)
        return [
            Moments(shift=shift, n=n, mean_offset=offset, m2=m2)
            for shift, n, offset, m2 in zip(*(c.tolist() for c in columns), strict=True)
        ]
