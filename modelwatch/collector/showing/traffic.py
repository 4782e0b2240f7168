"""Calls counted up over judged windows, since a metric of Prometheus only grows."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from modelwatch.collector.windows import TimeWindow
from modelwatch.profile import DURATION_BOUNDS_SECONDS, Profile

__all__ = ["OTHER_ERRORS", "Traffic", "TrafficTotals"]

OTHER_ERRORS = "_other"
"""Stands for the error types beyond the limit."""

WINDOWS_KEPT = 32
"""Windows of each version of which it is known what was counted, for data that comes late."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Calls of one model version.

    Attributes:
        predictions: by error type; "" for success.
        durations: by `DURATION_BOUNDS_SECONDS`.
        duration_seconds: their sum; NaN where a sender told some of them without one.
        dropped: rows that the service lost, by reason.
    """

    predictions: Counter[str] = field(default_factory=Counter)
    durations: IntArray = field(
        default_factory=lambda: np.zeros(len(DURATION_BOUNDS_SECONDS) + 1, np.int64)
    )
    duration_seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, profile: Profile | None) -> Traffic:
        """Return the calls that a profile counted."""
        if profile is None:
            return cls()
        return cls(
            predictions=Counter(profile.predictions),
            durations=profile.duration.counts.copy(),
            duration_seconds=profile.duration_sum_seconds,
            dropped=Counter(profile.dropped),
        )

    def plus(self, other: Traffic) -> Traffic:
        """Return the calls of both."""
        return Traffic(
            predictions=self.predictions + other.predictions,
            durations=self.durations + other.durations,
            duration_seconds=self.duration_seconds + other.duration_seconds,
            dropped=self.dropped + other.dropped,
        )

    def beyond(self, counted: Traffic) -> Traffic:
        """Return what there is more than was counted; never less than nothing."""
        return Traffic(
            predictions=self.predictions - counted.predictions,
            durations=np.maximum(self.durations - counted.durations, 0),
            duration_seconds=max(self.duration_seconds - counted.duration_seconds, 0.0),
            dropped=self.dropped - counted.dropped,
        )

    def with_errors_of(self, most: int) -> tuple[Traffic, int]:
        """Return the same with at most so many error types, and how many others there are."""
        types = [name for name in self.predictions if name not in ("", OTHER_ERRORS)]
        left_out = types[most:]
        if not left_out:
            return self, 0
        predictions = Counter(self.predictions)
        for name in left_out:
            predictions[OTHER_ERRORS] += predictions.pop(name)
        bounded = Traffic(
            predictions=predictions,
            durations=self.durations,
            duration_seconds=self.duration_seconds,
            dropped=self.dropped,
        )
        return bounded, len(left_out)


@dataclass
class _Version:
    total: Traffic = field(default_factory=Traffic)
    windows: OrderedDict[TimeWindow, Traffic] = field(default_factory=OrderedDict)
    known_until_ns: int = 0


class TrafficTotals:
    """Calls of each version since the process was started, each window once. Thread-safe.

    A window that is judged again, since data came late, adds what is new of it. Of windows that an
    earlier process judged, or that are no longer known, late data is not counted.

    Args:
        capacity: versions that are kept; of more, those that were first heard of are let go.
        most_error_types: error types told apart in each.
    """

    def __init__(self, *, capacity: int, most_error_types: int) -> None:
        self._capacity = capacity
        self._most_error_types = most_error_types
        self._lock = threading.Lock()  # guards the two below
        self._versions: dict[tuple[str, str], _Version] = {}
        self._left_out = 0

    @property
    def error_types_left_out(self) -> int:
        """How often an error type was counted among the others."""
        return self._left_out

    def known_until(self, model: str, version: str, end_ns: int) -> None:
        """Say that windows up to a time were judged by an earlier process."""
        with self._lock:
            self._version(model, version).known_until_ns = end_ns

    def take(self, model: str, version: str, window: TimeWindow, profile: Profile | None) -> None:
        """Count a window that was judged."""
        traffic = Traffic.of(profile)
        with self._lock:
            found = self._version(model, version)
            counted = found.windows.pop(window, None)
            found.windows[window] = traffic
            if counted is None and window.end_ns <= found.known_until_ns:
                return
            new = traffic if counted is None else traffic.beyond(counted)
            total, left_out = found.total.plus(new).with_errors_of(self._most_error_types)
            found.total = total
            self._left_out += left_out
            if len(found.windows) > WINDOWS_KEPT:
                oldest = min(found.windows, key=lambda window: window.end_ns)
                del found.windows[oldest]
                found.known_until_ns = max(found.known_until_ns, oldest.end_ns)

    def forget(self, versions: Collection[tuple[str, str]]) -> bool:
        """Let go of versions; return whether any of them was known."""
        with self._lock:
            known = [key for key in versions if key in self._versions]
            for key in known:
                del self._versions[key]
        return bool(known)

    def all(self) -> Mapping[tuple[str, str], Traffic]:
        """Return the totals by model and version."""
        with self._lock:
            return {key: found.total for key, found in sorted(self._versions.items())}

    def _version(self, model: str, version: str) -> _Version:
        found = self._versions.setdefault((model, version), _Version())
        if len(self._versions) > self._capacity:
            del self._versions[next(iter(self._versions))]
        return found
