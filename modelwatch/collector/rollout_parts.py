"""What compares versions in a running collector, put together."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.live_comparison import LiveComparisons
from modelwatch.collector.rollouts.rollouts import Rollouts
from modelwatch.collector.rollouts.sqlite_suggestions import SqliteSuggestions
from modelwatch.collector.rollouts.suggesting import Suggesting, SuggestionHearer
from modelwatch.collector.serving.rendering import Rendering
from modelwatch.collector.serving.rollout_api import RolloutApi
from modelwatch.collector.serving.rollout_page import RolloutPage
from modelwatch.collector.serving.rollout_reading import RolloutReading
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.store import Store

__all__ = ["RolloutParts"]


class RolloutParts:
    """Compares versions, suggests what should be done with them, and answers.

    Attributes:
        suggesting: listens to the schedule.
        reading: reads what two versions come to.

    Args:
        database: the open file; whoever opened it closes it.
        store: has windows, and what was joined.
        evaluator: has baselines, and compares distributions.
        alerting: has the configuration, and sends notices.
        hearer: tells other programs of suggestions.
        window_seconds: length of the windows that are evaluated.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        evaluator: Evaluator,
        alerting: Alerting,
        hearer: SuggestionHearer,
        *,
        window_seconds: int,
        clock: Callable[[], int],
    ) -> None:
        rollouts = Rollouts(
            store,
            evaluator.baseline,
            lambda: alerting.configured.configuration.rollout,
            window_seconds=window_seconds,
            clock=clock,
        )
        self._alerting = alerting
        self._kept = SqliteSuggestions(database)
        self.reading = RolloutReading(store, rollouts, LiveComparisons(store, evaluator))
        self.suggesting = Suggesting(
            rollouts, store, store, self._kept, alerting, hearer, clock=clock
        )

    def router(self) -> APIRouter:
        """Return the routes of the API and the page."""
        router = APIRouter()
        api = RolloutApi(self.reading, self._kept, pages_url=self._alerting.pages_url)
        router.include_router(api.router())
        router.include_router(RolloutPage(self.reading, Rendering()).router())
        return router
