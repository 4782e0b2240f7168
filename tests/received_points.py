"""What was received, seen point by point, and the profiles that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelwatch.errors import ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.telemetry.wire.arrivals import Arrival, Decoded, SeriesSet, Window, hash_of
from modelwatch.telemetry.wire.assembling import empty_profile, fold_other, fold_series


@dataclass(frozen=True)
class Point:
    """One data point or record.

    Attributes:
        key: hash of resource, name, attributes, start and end, a signed 64-bit integer: a point
            that is received twice has the same key.
        window: of whom and of when it tells.
        fold: adds what it tells to a profile of that window.
    """

    key: int
    window: Window
    fold: Callable[[Profile], object]


def points_in(decoded: Decoded) -> list[Point]:
    """Return all points of a request."""
    return list(_points_of(decoded.arrivals))


def _points_of(arrivals: Iterable[Arrival]) -> Iterator[Point]:
    """Yield each point of arrivals."""
    for arrival in arrivals:
        at = 0
        offsets = arrival.series_set.offsets.tolist()
        for number, series in enumerate(arrival.series_set.series):
            floats = slice(at, at + series.is_histogram)
            at += series.is_histogram
            fold = partial(
                _fold_one,
                series_set=SeriesSet((series,)),
                counts=arrival.counts[offsets[number] : offsets[number + 1]],
                sums=arrival.sums[floats],
                minima=arrival.minima[floats],
                maxima=arrival.maxima[floats],
            )
            yield Point(_key(arrival, series.key), arrival.window, fold)
        for other in arrival.others:
            yield Point(_key(arrival, other.key), arrival.window, partial(fold_other, other=other))


def assemble(points: Iterable[Point]) -> list[Profile]:
    """Put profiles together, one a window, oldest first.

    Points that tell of one window but came in several requests give several profiles; merging
    these gives the whole.
    """
    profiles: dict[Window, Profile] = {}
    for point in points:
        profile = profiles.get(point.window)
        if profile is None:
            profile = profiles[point.window] = empty_profile(point.window)
        point.fold(profile)
    return sorted(profiles.values(), key=lambda profile: (profile.start_ns, profile.end_ns))


def _key(arrival: Arrival, key: int) -> int:
    return hash_of(repr((arrival.sender, arrival.window, key)).encode())


def _fold_one(profile: Profile, **told: Any) -> None:
    if fold_series(profile, **told):
        raise ProfileMismatch("a point contradicts those before it.")
