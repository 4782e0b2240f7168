"""The body of the event ``modelwatch.feature.moments``: exact moments, and co-moments in few bytes.

One byte, the version of the format (1), then these numbers, one sort after the other::

    of each of the features in ``modelwatch.feature.names``
        n           int64    how many values
        mean        float64
        m2          float64  the sum of the squared deviations from the mean
    of the d features in ``modelwatch.feature.joint_names``, over the rows where none is missing;
    nothing where there are none
        n           int64    how many rows, once
        means       float64
        m2          float64
        pivots      uint32   of the rounded factor of the correlations
        multiples   uint32   below the factor's diagonal, row by row, d (d - 1) / 2

The numbers of a sort are written byte by byte: the highest bytes of all, then the next ones, down
to the lowest. What they have in common, such as signs and exponents, so lies together, and gzip
takes it out. The means and m2 of the d features are written as the exclusive or of their bits and
those of the same feature's above, of zero where it has none there: zero where no row has a gap. A
multiple of zero or more is written as twice itself, one below zero as twice its size less one.

`RoundedFactor` tells what co-moments lose by this: 0.01% of what their sample tells. The other
numbers are exact. Minimum and maximum are in the metric of the feature's values alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.document import MOST_COUNTED
from modelwatch.errors import UndecodableTelemetry
from modelwatch.sketches import JointMoments, Moments
from modelwatch.sketches.rounded_factor import RoundedFactor

__all__ = ["SentMoments", "decode_moments", "encode_moments"]

FORMAT_VERSION: Final = 1

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def encode_moments(each: Mapping[str, Moments], joint: JointMoments | None) -> bytes:
    """Return the body for moments by feature and co-moments, all finite and of one row or more."""
    n = np.array([moments.n for moments in each.values()], np.int64)
    means = np.array([moments.mean for moments in each.values()], np.float64)
    m2 = np.array([moments.m2 for moments in each.values()], np.float64)
    sections = [_planes(n.astype(">i8")), _planes(means.astype(">f8")), _planes(m2.astype(">f8"))]
    if joint is not None:
        at = _places(joint.names, list(each))
        is_same = np.append(n, 0)[at] == joint.n  # the complete rows are all that the feature has
        factor = RoundedFactor.of(joint.m2, joint.n)
        sections += [
            _planes(np.array([joint.n], ">i8")),
            _planes(_apart(joint.shift + joint.mean_offset, means, at, is_same).astype(">i8")),
            _planes(_apart(np.diag(joint.m2), m2, at, is_same).astype(">i8")),
            _planes(factor.pivots.astype(">u4")),
            _planes(_unsigned(factor.multiples)),
        ]
    return bytes((FORMAT_VERSION,)) + b"".join(sections)


@dataclass(frozen=True, eq=False, slots=True)
class SentMoments:
    """What a body tells, in arrays.

    Attributes:
        n: how many values of each feature, shape (features,), 1 or more.
        means: of each feature.
        m2: of each feature, 0 or more.
        joint_means: of the d features that are told of together, shape (d,).
        joint_m2: likewise, the diagonal of their co-moments.
        factor: of their correlations; None where there are none.
    """

    n: IntArray
    means: FloatArray
    m2: FloatArray
    joint_means: FloatArray
    joint_m2: FloatArray
    factor: RoundedFactor | None

    def each(self) -> list[Moments]:
        """Return the moments of each feature; extremes are unknown."""
        told = zip(self.n.tolist(), self.means.tolist(), self.m2.tolist(), strict=True)
        return [Moments(shift=mean, n=count, m2=m2) for count, mean, m2 in told]

    def joint(self, names: Sequence[str]) -> JointMoments | None:
        """Return the co-moments of features of some names; None where there are none."""
        if self.factor is None:
            return None
        m2 = self.factor.m2(self.joint_m2)
        return JointMoments(names, self.joint_means, n=self.factor.n, m2=m2)


def decode_moments(body: bytes, features: Sequence[str], joint_names: Sequence[str]) -> SentMoments:
    """Read what `encode_moments` made.

    Args:
        body: the bytes.
        features: of which there are moments.
        joint_names: of which there are co-moments.

    Raises:
        UndecodableTelemetry: where they are of another format, of another number of features, or
            tell of no sample.
    """
    size, joint_size = len(features), len(joint_names)
    _check_size(body, size, joint_size)
    reader = _Reader(body)
    n, means, squares = reader.take(size, ">i8"), reader.take(size, ">f8"), reader.take(size, ">f8")
    _check("moments", n, means, squares)
    if not joint_size:
        return SentMoments(n, means, squares, means[:0], squares[:0], None)
    at = _places(joint_names, features)
    rows = reader.take(1, ">i8")
    joint_means = _together(reader.take(joint_size, ">i8"), means, at)
    joint_m2 = _together(reader.take(joint_size, ">i8"), squares, at)
    _check("joint moments", rows, joint_means, joint_m2)
    pivots, multiples = (reader.take(count, ">u4") for count in (joint_size, _pairs(joint_size)))
    factor = RoundedFactor(int(rows[0]), pivots, _signed(multiples))
    return SentMoments(n, means, squares, joint_means, joint_m2, factor)


def _places(names: Sequence[str], features: Sequence[str]) -> npt.NDArray[np.intp]:
    """Return where among the features each name is; one behind the last where it is not."""
    places = {name: at for at, name in enumerate(features)}
    return np.array([places.get(name, len(features)) for name in names], np.intp)


def _apart(
    numbers: FloatArray,
    known: FloatArray,
    at: npt.NDArray[np.intp],
    is_same: npt.NDArray[np.bool_],
) -> IntArray:
    """Return what tells numbers from known ones: 0 where both are of the same values."""
    own = np.ascontiguousarray(numbers).view(np.int64)
    return np.where(is_same, 0, own ^ np.append(known, 0.0)[at].view(np.int64))


def _together(apart: IntArray, known: FloatArray, at: npt.NDArray[np.intp]) -> FloatArray:
    """Return the numbers of which `_apart` told the bits."""
    return (apart ^ np.append(known, 0.0)[at].view(np.int64)).view(np.float64)


class _Reader:
    """Takes one sort of numbers after the other from a body that has them all."""

    def __init__(self, body: bytes) -> None:
        self._body = np.frombuffer(body, np.uint8)
        self._at = 1

    def take(self, count: int, kind: str) -> npt.NDArray[Any]:
        dtype = np.dtype(kind)
        start, self._at = self._at, self._at + count * dtype.itemsize
        planes = self._body[start : self._at].reshape(dtype.itemsize, count)
        found = np.ascontiguousarray(planes.T).view(dtype).reshape(count)
        return found.astype(dtype.newbyteorder("="))


def _planes(numbers: npt.NDArray[Any]) -> bytes:
    """Return the first bytes of all numbers, then the second ones, and so on."""
    as_bytes = np.frombuffer(numbers.tobytes(), np.uint8)
    return as_bytes.reshape(numbers.size, numbers.dtype.itemsize).T.tobytes()


def _unsigned(multiples: npt.NDArray[np.int32]) -> npt.NDArray[np.uint32]:
    return ((multiples << 1) ^ (multiples >> 31)).astype(">u4")


def _signed(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    halves = (numbers >> 1).astype(np.int32)
    return np.where(numbers & 1, ~halves, halves)


def _pairs(size: int) -> int:
    return size * (size - 1) // 2


def _check_size(body: bytes, features: int, size: int) -> None:
    if body[:1] != bytes((FORMAT_VERSION,)):
        raise UndecodableTelemetry(
            f"moments of format {body[0] if body else None} cannot be read, only those of format "
            f"{FORMAT_VERSION}: sender and collector need the same release of modelwatch."
        )
    joint = 8 + 20 * size + 4 * _pairs(size) if size else 0
    expected = 1 + 24 * features + joint
    if len(body) != expected:
        raise UndecodableTelemetry(
            f"moments of {features} features and {size} joint ones need {expected} bytes, "
            f"got {len(body)}."
        )


def _check(what: str, n: IntArray, means: FloatArray, m2: FloatArray) -> None:
    is_counted = np.all((n > 0) & (n <= MOST_COUNTED))
    if not (is_counted and np.isfinite(means).all() and np.isfinite(m2).all() and np.all(m2 >= 0)):
        raise UndecodableTelemetry(f"the {what} are no numbers of a sample.")
