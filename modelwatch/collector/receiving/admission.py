"""What of a request is taken: all but what goes beyond a limit or lies in the future."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from modelwatch.collector.receiving.admitted_moments import features_of, of_features
from modelwatch.collector.receiving.clocks import ClockRules, Clocks
from modelwatch.collector.receiving.limits import IngestLimits
from modelwatch.collector.receiving.names_heard import NamesHeard
from modelwatch.collector.time_bounds import TimeBounds
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Arrival, Other, Window
from modelwatch.telemetry.wire.examples import Example

__all__ = ["Admission", "Admitted"]

_NANOSECONDS: Final = 1_000_000_000
_KNOWN_SECONDS: Final = 600
_MOST_KNOWN: Final = 16_384
_KINDS: Final = ("models", "versions", "segments", "instances", "features", "categories")


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """What is taken of the arrivals of a request.

    Attributes:
        arrivals: what is taken.
        refused: points that are not, by reason.
        message: why.
    """

    arrivals: Sequence[Arrival]
    refused: Counter[str] = field(default_factory=Counter)
    message: str = ""


class Admission:
    """Decides. Not thread-safe.

    A sender that was admitted is not looked at again for ten minutes, nor is a set of series of a
    model, so that the usual export costs two look-ups.

    Args:
        limits: how many names of each kind are taken.
        rules: which times are.
        clock: Unix nanoseconds.
        bounds: between which the time lies: what may not lie in the future is taken, and names
            hold their places until they surely go. Where None, the clock is believed.
    """

    def __init__(
        self,
        limits: IngestLimits | None = None,
        rules: ClockRules | None = None,
        *,
        clock: Callable[[], int] = time.time_ns,
        bounds: TimeBounds | None = None,
    ) -> None:
        self.clocks = Clocks(rules or ClockRules())
        self._clock = clock
        self._bounds = bounds or TimeBounds(clock)
        self._heard = {kind: NamesHeard(of_one=0, of_all=0) for kind in _KINDS}
        self.limit(limits or IngestLimits())
        self._known: OrderedDict[tuple[object, ...], int] = OrderedDict()

    def limit(self, limits: IngestLimits) -> None:
        """Hold to other limits from now on; a name that has a place keeps it."""
        self._limits = limits
        for kind, heard in self._heard.items():
            heard.of_one = getattr(limits, kind)
            heard.of_all = getattr(limits, f"all_{kind}", heard.of_one)

    def admit(self, arrivals: Iterable[Arrival]) -> Admitted:
        """Return what is taken of the arrivals of a request."""
        taken: list[Arrival] = []
        refused: Counter[str] = Counter()
        now_ns, latest_ns = self._clock(), self._bounds.latest_ns()
        now = self._bounds.earliest_ns() // _NANOSECONDS
        for arrival in arrivals:
            window = arrival.window
            if not self.clocks.look(
                window.model, window.instance, window.end_ns, now_ns, latest_ns
            ):
                refused["future"] += arrival.points
                continue
            kept = self._admit(arrival, now, refused)
            if kept is not None:
                taken.append(kept)
        return Admitted(arrivals=taken, refused=refused, message=self._message(refused))

    def admit_examples(self, examples: Iterable[Example]) -> tuple[list[Example], Counter[str]]:
        """Return which examples are taken, and how many are not, by reason."""
        taken: list[Example] = []
        refused: Counter[str] = Counter()
        latest_ns, now = self._bounds.latest_ns(), self._bounds.earliest_ns() // _NANOSECONDS
        for one in examples:
            owner = (one.model, one.version)
            if not self.clocks.takes(one.time_ns, latest_ns):
                refused["future"] += 1
            elif not self._heard["models"].admit("", one.model, now):
                refused["models"] += 1
            elif not self._heard["versions"].admit(*owner, now):
                refused["versions"] += 1
            elif one.kind != "error" and not self._heard["features"].admit(
                one.model, one.name, now
            ):
                refused["features"] += 1
            else:
                taken.append(one)
        return taken, refused

    def has_place(self, kind: str, owner: object, name: object) -> bool:
        """Return whether there is a place for a name, which it then has.

        Args:
            kind: of names, as `IngestLimits` calls them.
            owner: whose name it is; hashable.
            name: hashable.
        """
        now = self._bounds.earliest_ns() // _NANOSECONDS
        return self._heard[kind].admit(owner, name, now)

    def takes(self, time_ns: int) -> bool:
        """Return whether a time does not lie too far in the future."""
        return self.clocks.takes(time_ns, self._bounds.latest_ns())

    def most(self, kind: str) -> int:
        """Return how many names of a kind are taken of one owner."""
        return int(getattr(self._limits, kind))

    def shown(self) -> dict[str, Any]:
        """Return how many names of each kind hold places, for the API."""
        now = self._bounds.earliest_ns() // _NANOSECONDS
        return {kind: heard.held(now) for kind, heard in self._heard.items()}

    def _admit(self, arrival: Arrival, now: int, refused: Counter[str]) -> Arrival | None:
        window = arrival.window
        sender = (window.model, window.version, window.segment, window.instance)
        if not self._is_known(sender, now):
            kind = self._refuses(window, now)
            if kind:
                refused[kind] += arrival.points
                return None
            self._know(sender, now)
        told = (window.model, arrival.series_set.key, *(other.key for other in arrival.others))
        if self._is_known(told, now):
            return arrival
        series = [
            self._admits(window.model, one.attributes, now) for one in arrival.series_set.series
        ]
        others = [self._admit_other(window.model, one, now, refused) for one in arrival.others]
        refused.update(kind for kind in series if kind)
        if any(series) or any(a is not b for a, b in zip(others, arrival.others, strict=True)):
            is_kept = np.array([not kind for kind in series], np.bool_)
            part = arrival.part(is_kept, [one for one in others if one is not None])
            return part if part.points else None
        self._know(told, now)
        return arrival

    def _is_known(self, key: tuple[object, ...], now: int) -> bool:
        return self._known.get(key, -1) >= now

    def _know(self, key: tuple[object, ...], now: int) -> None:
        self._known[key] = now + _KNOWN_SECONDS
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _refuses(self, window: Window, now: int) -> str:
        """Return the kind of name that a sender is one too many of."""
        whose: tuple[tuple[str, object, str], ...] = (
            ("models", "", window.model),
            ("versions", window.model, window.version),
            ("segments", window.model, window.segment),
            ("instances", window.model, window.instance),
        )
        for kind, owner, name in whose:
            if not self._heard[kind].admit(owner, name, now):
                return kind
        return ""

    def _admits(self, model: str, attributes: Iterable[tuple[str, str]], now: int) -> str:
        """Return the kind of name that a series of these attributes is one too many of."""
        told = dict(attributes)
        feature = told.get(names.FEATURE_NAME)
        if feature is None:
            return ""
        if not self._heard["features"].admit(model, feature, now):
            return "features"
        category = told.get(names.FEATURE_CATEGORY)
        if category is None or self._heard["categories"].admit((model, feature), category, now):
            return ""
        return "categories"

    def _admit_other(
        self, model: str, other: Other, now: int, refused: Counter[str]
    ) -> Other | None:
        """Return what is taken of a point that does not add up.

        Of moments that is what tells of the features that have a place; the point is refused where
        none has.
        """
        kind = ""
        if other.name == names.FEATURE_VALUE:
            kind = self._admits(model, _attributes(other), now)
        elif other.name == names.FEATURE_MOMENTS:
            heard, told = self._heard["features"], features_of(other)
            kept = {name for name in told if heard.admit(model, name, now)}
            if len(kept) < len(told):
                taken = of_features(other, kept)
                refused["features"] += taken is None
                return taken
        refused.update([kind] if kind else [])
        return None if kind else other

    def _message(self, refused: Counter[str]) -> str:
        told = [
            self.clocks.refusal()
            if kind == "future"
            else f"{count} points beyond the limit of {getattr(self._limits, kind)} {kind} were "
            f"refused: raise it in [limits] of the collector's modelwatch.toml, or send fewer."
            for kind, count in refused.items()
        ]
        return " ".join(told)


def _attributes(other: Other) -> Iterable[tuple[str, str]]:
    point = ExponentialHistogramDataPoint.FromString(other.payload)
    return [(told.key, told.value.string_value) for told in point.attributes]
