"""What of a request is taken: all but what goes beyond a limit or lies in the future."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from modelwatch.collector.receiving.clocks import ClockRules, Clocks
from modelwatch.collector.receiving.limits import IngestLimits
from modelwatch.collector.receiving.names_heard import NamesHeard
from modelwatch.collector.time_bounds import TimeBounds
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Arrival, Other, SeriesSet

__all__ = ["Admission", "Admitted"]

_NANOSECONDS: Final = 1_000_000_000
_KNOWN_SECONDS: Final = 600
_MOST_KNOWN: Final = 16_384


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

    A set of series that was admitted of a sender is not looked at again for ten minutes, so that
    the usual export costs one look-up.

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
        limits = limits or IngestLimits()
        self.clocks = Clocks(rules or ClockRules())
        self._clock = clock
        self._bounds = bounds or TimeBounds(clock)
        self._limits = limits
        self._heard = {
            "models": NamesHeard(of_one=limits.models, of_all=limits.models),
            **{
                kind: NamesHeard(
                    of_one=getattr(limits, kind), of_all=getattr(limits, f"all_{kind}")
                )
                for kind in ("versions", "segments", "instances", "features", "categories")
            },
        }
        self._known: OrderedDict[tuple[object, ...], int] = OrderedDict()

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

    def shown(self) -> dict[str, Any]:
        """Return how many names of each kind hold places, for the API."""
        return {kind: len(heard) for kind, heard in self._heard.items()}

    def _admit(self, arrival: Arrival, now: int, refused: Counter[str]) -> Arrival | None:
        window = arrival.window
        own = (window.model, window.version, window.segment, window.instance)
        key = (arrival.series_set.key, *own)
        if not arrival.others and self._known.get(key, -1) >= now:
            return arrival
        whose: tuple[tuple[str, object, str], ...] = (
            ("models", "", window.model),
            ("versions", window.model, window.version),
            ("segments", window.model, window.segment),
            ("instances", window.model, window.instance),
        )
        for kind, owner, name in whose:
            if not self._heard[kind].admit(owner, name, now):
                refused[kind] += arrival.points
                return None
        series = [
            self._admits(window.model, one.attributes, now) for one in arrival.series_set.series
        ]
        others = [self._admits(window.model, _attributes(one), now) for one in arrival.others]
        refused.update(kind for kind in (*series, *others) if kind)
        if any((*series, *others)):
            return _part(arrival, [not kind for kind in series], [not kind for kind in others])
        self._known[key] = now + _KNOWN_SECONDS
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return arrival

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
    if other.name != names.FEATURE_VALUE:
        return ()
    point = ExponentialHistogramDataPoint.FromString(other.payload)
    return [(told.key, told.value.string_value) for told in point.attributes]


def _part(arrival: Arrival, series: Sequence[bool], others: Sequence[bool]) -> Arrival | None:
    """Return what is taken of an arrival, None where nothing is."""
    if not any((*series, *others)):
        return None
    all_series = arrival.series_set.series
    is_kept = np.array(series, np.bool_)
    widths = [one.width for one in all_series]
    floats = is_kept[np.array([one.is_histogram for one in all_series], np.bool_)]
    return replace(
        arrival,
        series_set=SeriesSet(tuple(s for s, kept in zip(all_series, series, strict=True) if kept)),
        counts=arrival.counts[np.repeat(is_kept, widths)],
        sums=arrival.sums[floats],
        minima=arrival.minima[floats],
        maxima=arrival.maxima[floats],
        others=tuple(o for o, kept in zip(arrival.others, others, strict=True) if kept),
    )
