from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.core import Metric

from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.showing.scrapes import Scrapes
from modelwatch.collector.showing.standing import Standings
from modelwatch.collector.showing.traffic import TrafficTotals
from modelwatch.collector.storing.store import VersionSeen
from tests.collector.showing.reports import standing


class Nothing:
    """No version was seen, and the collector measures nothing of itself."""

    def versions(self) -> list[VersionSeen]:
        """Return none."""
        return []

    def own_metrics(self, left_out: Mapping[str, int]) -> Iterable[Metric]:
        """Return none."""
        return []


def test_text_that_was_asked_for_early_is_made_again() -> None:
    """A scrape that comes before anything is recalled does not keep later ones from showing it."""
    standings = Standings(capacity=10)
    totals = TrafficTotals(capacity=10, most_error_types=10)
    nothing = Nothing()
    scrapes = Scrapes(nothing, standings, totals, nothing, ShowingOptions())
    assert b"modelwatch_drift_severity{" not in scrapes.text("text")
    standings.recall(standing({"age": "drift"}))
    scrapes.renew(["openmetrics"])
    assert b"modelwatch_drift_severity{" in scrapes.text("text")
