"""Puts baselines in force: promoted ones of live traffic, and earlier ones again."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from modelwatch.baseline import Baseline
from modelwatch.collector.evaluating.baseline_history import BaselineHistory
from modelwatch.collector.evaluating.evaluation import (
    EvaluationStore,
    Evaluator,
    main_profile,
    other_bins_of,
)
from modelwatch.collector.evaluating.persisting import histories_of
from modelwatch.collector.evaluating.promoting import Promotion, promote
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.storing.store import EvaluationLog, StoredBaseline
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.comparing.hashed_names import with_plain_names
from modelwatch.errors import ConfigurationError
from modelwatch.profile import Profile

__all__ = ["BaselineDesk", "OpenDrift"]

MOST_BLOCKS = 168
"""Parts of the window, in time order, by which it is told how much rows depend on one another."""

logger = logging.getLogger(__name__)


class OpenDrift(ConfigurationError):
    """The traffic drifts from the current baseline, and it was not said that this is meant."""


class DeskStore(EvaluationStore, EvaluationLog, Protocol):
    """What is read and written."""


class BaselineDesk:
    """Makes baselines of traffic and puts them in force.

    Args:
        store: has the windows, and keeps baselines.
        history: has earlier baselines.
        evaluator: compares with the current one.
        options: the length of a window, and which findings hold.
    """

    def __init__(
        self,
        store: DeskStore,
        history: BaselineHistory,
        evaluator: Evaluator,
        options: CollectorOptions,
    ) -> None:
        self._store = store
        self._history = history
        self._evaluator = evaluator
        self._options = options

    async def promote(
        self, model: str, version: str, window: TimeWindow, *, force: bool = False
    ) -> Promotion:
        """Make a baseline of a window's traffic, and the current one of it.

        Services that ask for the baseline get it at their next request.

        Args:
            model: the model.
            version: its version.
            window: whose traffic it is made of.
            force: do so though drift from the current baseline holds.

        Raises:
            OpenDrift: it does, and nothing forces it.
            ConfigurationError: the traffic makes no baseline, and why.
            StoreError: the store failed.
        """
        made = await asyncio.to_thread(self._made, model, version, window, force)
        content = await asyncio.to_thread(made.baseline.to_json)
        await self._store.put_baseline(model, version, made.baseline.id, content)
        logger.info(
            "baseline %s of %s %s promoted from traffic of %d rows up to %d%s",
            made.baseline.id,
            model,
            version,
            made.baseline.rows,
            window.end_ns,
            " (forced)" if force else "",
        )
        return made

    async def put_back(self, model: str, version: str, baseline_id: str) -> StoredBaseline | None:
        """Make an earlier baseline the current one again; None where there is none of that id.

        Raises:
            StoreError: the store failed.
        """
        stored = await asyncio.to_thread(self._history.stored, model, version, baseline_id)
        if stored is not None:
            await self._store.put_baseline(model, version, stored.id, stored.content)
            logger.info("baseline %s of %s %s put back in force", stored.id, model, version)
        return stored

    def _made(self, model: str, version: str, window: TimeWindow, force: bool) -> Promotion:
        current = self._evaluator.baseline(model, version)
        observed = self._observed(model, version, window, current)
        if observed is None:
            raise ConfigurationError(
                "nothing was sent in that window: choose a longer or an earlier one."
            )
        if not force:
            self._refuse_drift(model, version, window)
        far, near = other_bins_of(current, observed)
        other_bins = (*far, *near)
        if other_bins:
            raise ConfigurationError(
                f"{', '.join(other_bins)} were counted on other bins than the current baseline's: "
                "have the services fetch it first."
            )
        parts = [
            part
            for part in (
                self._observed(model, version, one, current) for one in self._blocks(window)
            )
            if part is not None and part.baseline_id == observed.baseline_id
        ]
        return promote(observed, parts, window=window, current=current)

    def _observed(
        self, model: str, version: str, window: TimeWindow, current: Baseline | None
    ) -> Profile | None:
        found = main_profile(current, self._store.window(model, version, window))
        return found if found is None or current is None else with_plain_names(found, current)

    def _refuse_drift(self, model: str, version: str, window: TimeWindow) -> None:
        found = self._evaluator.assess(model, version, window)
        holding = [
            history.name
            for history in histories_of(self._store, found, self._options)
            if history.severity == "drift"
        ]
        if holding:
            raise OpenDrift(
                f"{', '.join(holding)} drift from the current baseline, and a baseline of this "
                "traffic would call that normal: give force where it is meant."
            )

    def _blocks(self, window: TimeWindow) -> list[TimeWindow]:
        seconds = max(self._options.window_seconds, -(-window.seconds // MOST_BLOCKS))
        count = window.seconds // seconds
        step_ns = seconds * NANOSECONDS
        return [
            TimeWindow.ending(window.end_ns - back * step_ns, seconds=seconds)
            for back in reversed(range(count))
        ]
