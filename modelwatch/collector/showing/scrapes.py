"""Answers scrapes: from what is known already, without evaluating anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric

from modelwatch.collector.showing import model_metrics, own_metrics
from modelwatch.collector.showing.exposition import Format, joined, render
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.showing.standing import Standings
from modelwatch.collector.showing.traffic import TrafficTotals
from modelwatch.collector.storing.store import VersionSource
from modelwatch.errors import StoreError

__all__ = ["OwnSource", "Scrapes"]


class OwnSource(Protocol):
    """Tells what the collector measures of itself."""

    def own_metrics(self, left_out: Mapping[str, int]) -> Iterable[Metric]:
        """Return its metrics; ``left_out`` counts what is not shown, by kind."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Received:
    text: Mapping[Format, bytes]
    versions_left_out: int
    until_seconds: float


class Scrapes:
    """Texts of metrics. Blocking, but brief: call it off the event loop.

    What was judged changes with each round of evaluations alone, and is the bulk: its text is made
    when a round ends. What was received is looked up every few seconds, the rest at each scrape.

    Thread-safety: safe.

    Args:
        versions: which there are.
        standings: how they stand.
        traffic: their calls.
        own: the collector's own metrics.
        options: limits.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        versions: VersionSource,
        standings: Standings,
        traffic: TrafficTotals,
        own: OwnSource,
        options: ShowingOptions,
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._versions = versions
        self._standings = standings
        self._traffic = traffic
        self._own = own
        self._options = options
        self._timer = timer
        self._making = threading.Lock()  # held while texts are made: a later one is never replaced
        self._lock = threading.Lock()  # guards the three below; never held while a text is made
        self._judged: dict[Format, bytes] = {}
        self._features_left_out = 0
        self._received: _Received | None = None

    def text(self, form: Format) -> bytes:
        """Return all metrics."""
        judged = self._judged.get(form) or self.renew([form])[form]
        received, readable = self._what_was_received()
        return joined([judged, received.text[form], self._own_text(form, received, readable)], form)

    def renew(self, forms: Iterable[Format] = ()) -> Mapping[Format, bytes]:
        """Make the texts of what was judged anew: those given, and those asked for before."""
        most = self._options.most_features
        with self._making:
            standings = self._standings.all()
            families = [
                *model_metrics.standing_metrics(standings, most_features=most),
                *model_metrics.traffic_metrics(self._traffic.all()),
            ]
            texts = {form: render(families, form) for form in {*forms, *self._judged}}
            left_out = model_metrics.features_left_out(standings, most_features=most)
            with self._lock:
                self._judged.update(texts)
                self._features_left_out = left_out
        return texts

    def _what_was_received(self) -> tuple[_Received, bool]:
        known = self._received
        if known is not None and self._timer() < known.until_seconds:
            return known, True
        try:
            seen = [found for found in self._versions.versions() if not found.was_let_go]
        except StoreError:
            return known or _Received(text=_texts([]), versions_left_out=0, until_seconds=0), False
        seen.sort(key=lambda found: found.last_seen_ns or 0, reverse=True)
        shown = seen[: self._options.most_versions]
        received = _Received(
            text=_texts(model_metrics.received_metrics(shown)),
            versions_left_out=len(seen) - len(shown),
            until_seconds=self._timer() + self._options.refresh_seconds,
        )
        with self._lock:
            self._received = received
        return received, True

    def _own_text(self, form: Format, received: _Received, readable: bool) -> bytes:
        left_out = {
            "version": received.versions_left_out,
            "feature": self._features_left_out,
            "error_type": self._traffic.error_types_left_out,
        }
        store = GaugeMetricFamily(
            "modelwatch_collector_store_readable",
            "1 where the store could be read for this scrape, else 0.",
            float(readable),
        )
        families = [*own_metrics.build_metrics(), store, *self._own.own_metrics(left_out)]
        return render(families, form)


def _texts(families: list[Metric]) -> Mapping[Format, bytes]:
    return {"text": render(families, "text"), "openmetrics": render(families, "openmetrics")}
