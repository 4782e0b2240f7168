"""What does not add up as vectors do: exponential histograms and events.

In the row of an arrival it lies as it came. Where rows are merged, it is folded into a profile, of
which the row holds the JSON document.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

from google.protobuf.message import DecodeError

from modelwatch.errors import FormatError, ModelwatchError, StoreError
from modelwatch.profile import Profile
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Other, others_from_bytes, others_to_bytes
from modelwatch.telemetry.wire.assembling import fold_other
from modelwatch.telemetry.wire.moments_sum import MomentsSums

__all__ = ["Others", "pack_others"]

MOST_WAITING: Final = 16
"""Rows whose parts wait to be folded: as many are folded at a time at most."""

FOLDED_BYTES: Final = 200_000
"""What a folded profile takes in memory, more or less, at 40 features."""

_UNUSABLE: Final = (DecodeError, ModelwatchError, KeyError, TypeError, ValueError)

_RAW: Final = b"o"
_FOLDED: Final = b"p"


def pack_others(others: Sequence[Other]) -> bytes | None:
    """Return what came as bytes; None where it is nothing."""
    return _RAW + others_to_bytes(others) if others else None


class Others:
    """Such parts of many rows, folded when they are asked for. Not thread-safe.

    Attributes:
        left_out: parts that contradict the others, or are damaged.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._folded: Profile | None = None
        self._hours: Counter[int] = Counter()
        self.nbytes = 0
        self.left_out = 0

    def add_packed(self, content: bytes) -> None:
        """Add the parts of one row."""
        self._waiting.append(content)
        self.nbytes += len(content)
        if len(self._waiting) >= MOST_WAITING:
            self.profile()

    def add_hour(self, hour: int, rows: int) -> None:
        """Note in which hour of the week rows came."""
        self._hours[hour] += rows

    def packed(self) -> bytes | None:
        """Return all parts as bytes; None where there are none."""
        profile = self.profile()
        if profile is None:
            return None
        return _FOLDED + zlib.compress(profile.to_json().encode(), 1)

    def profile(self) -> Profile | None:
        """Return all parts as a profile without a name; None where there are none."""
        moments = MomentsSums()
        for content in self._waiting:
            try:
                self._fold(content, moments)
            except ModelwatchError:
                self.left_out += 1
        self._waiting.clear()
        if self._folded is not None:
            self.left_out += moments.fold(self._folded)
        self.nbytes = FOLDED_BYTES if self._folded is not None else 0
        if self._hours:
            self._folded = self._folded or _nameless()
            self._folded.window_hours += self._hours
            self._hours.clear()
        return self._folded

    def _fold(self, content: bytes, moments: MomentsSums) -> None:
        kind, rest = content[:1], content[1:]
        before = self._folded or _nameless()
        if kind == _FOLDED:
            self._folded = before.merge(_read(rest))
        elif kind == _RAW:
            for other in others_from_bytes(rest):
                try:
                    if other.name == names.FEATURE_MOMENTS:
                        moments.add(other)
                    else:
                        fold_other(before, other)
                except _UNUSABLE:
                    self.left_out += 1
            self._folded = before
        else:
            raise StoreError("a row of the store is damaged: its parts are none.")


def _read(content: bytes) -> Profile:
    try:
        return Profile.from_json(zlib.decompress(content))
    except (zlib.error, FormatError) as error:
        raise StoreError(f"a row of the store is damaged: {error}.") from error


def _nameless() -> Profile:
    return Profile("", "")
