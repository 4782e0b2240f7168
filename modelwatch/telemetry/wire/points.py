"""Points as they were received, and how profiles are put together from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from modelwatch.profile import Profile

__all__ = ["Decoded", "Point", "Window", "assemble"]


@dataclass(frozen=True, order=True)
class Window:
    """Of whom and of when a point tells.

    Attributes:
        model: the model's name.
        version: its version.
        instance: ``service.instance.id`` of the sender; empty where it gave none.
        segment: the part of the traffic, empty for all of it.
        baseline_id: the baseline whose bins were used, empty where none was known.
        start_ns: start of the window, Unix nanoseconds.
        end_ns: its end.
    """

    model: str
    version: str
    instance: str
    segment: str
    baseline_id: str
    start_ns: int
    end_ns: int


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
    fold: Callable[[Profile], None]


@dataclass
class Decoded:
    """What a request held.

    Attributes:
        points: the points that are ours.
        foreign: how many were not, and were passed over.
        rejected: how many of ours could not be used.
        message: why, of the first of them.
    """

    points: list[Point] = field(default_factory=list)
    foreign: int = 0
    rejected: int = 0
    message: str = ""

    def reject(self, message: str, count: int = 1) -> None:
        """Count points that cannot be used."""
        self.rejected += count
        self.message = self.message or message


def assemble(points: Iterable[Point]) -> list[Profile]:
    """Put profiles together, one a window, oldest first.

    Points that tell of one window but came in several requests give several profiles; merging
    these gives the whole.
    """
    profiles: dict[Window, Profile] = {}
    for point in points:
        window = point.window
        profile = profiles.get(window)
        if profile is None:
            profile = profiles[window] = Profile(
                window.model,
                window.version,
                baseline_id=window.baseline_id or None,
                segment=window.segment or None,
                instance=window.instance or None,
                start_ns=window.start_ns,
                end_ns=window.end_ns,
            )
        point.fold(profile)
    return sorted(profiles.values(), key=lambda profile: (profile.start_ns, profile.end_ns))
