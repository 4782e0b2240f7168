"""Looks at live versions every few minutes, and keeps and tells what should be done with them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from modelwatch.collector.alerting.targets import Target
from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.outcomes.protocols import ConceptState
from modelwatch.collector.rollouts.made import MadeSuggestion, SuggestionNotice
from modelwatch.collector.rollouts.planning import JudgedModel, Plan, plan
from modelwatch.collector.rollouts.rollouts import Rollouts
from modelwatch.collector.rollouts.sqlite_suggestions import SqliteSuggestions
from modelwatch.collector.storing.store import EvaluationLog, VersionSeen, VersionSource
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import ModelwatchError
from modelwatch.report.harm import surely_worse
from modelwatch.rollout.suggestion import Suggestion, suggest_retraining

__all__ = ["ChangeSource", "Suggesting", "SuggestionHearer"]

LOOK_BACK: Final = 4
"""Windows that are looked through, by the number of those that must be worse: labels lag behind."""

logger = logging.getLogger(__name__)


class _Log(EvaluationLog, VersionSource, Protocol):
    """What is asked of the store."""


class ChangeSource(Protocol):
    """Answers how errors changed as labels came in. Blocking."""

    def concept(self, model: str, version: str) -> ConceptState:
        """Return how a version's errors changed since the current baseline. Cheap."""
        ...


class Telling(Protocol):
    """Whoever sends notices."""

    @property
    def news(self) -> asyncio.Event:
        """Set where there may be something to send."""
        ...

    def targets(self) -> Sequence[Target]:
        """Return who is told, as of now."""
        ...


class SuggestionHearer(Protocol):
    """Hears of suggestions that were made. Called in the event loop."""

    def suggested(self, made: Sequence[MadeSuggestion]) -> None:
        """Take in suggestions that were just committed."""
        ...


class Suggesting:
    """A listener to the schedule. What it looks through, it reads off the event loop.

    Args:
        rollouts: compares versions.
        log: which versions there are, and what their windows came to.
        labels: knows how errors changed.
        kept: keeps suggestions.
        telling: sends notices.
        hearer: tells other programs.
        clock: Unix nanoseconds.
        new_id: makes ids.
    """

    def __init__(
        self,
        rollouts: Rollouts,
        log: _Log,
        labels: ChangeSource,
        kept: SqliteSuggestions,
        telling: Telling,
        hearer: SuggestionHearer,
        *,
        clock: Callable[[], int] = time.time_ns,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._rollouts = rollouts
        self._log = log
        self._labels = labels
        self._kept = kept
        self._telling = telling
        self._hearer = hearer
        self._clock = clock
        self._new_id = new_id
        self._looked_ns: int | None = None

    def evaluated(self, found: Assessment) -> None:
        """Take in nothing: all that is needed is read from the store when it is looked through."""

    async def round_ended(self) -> None:
        """Look through all models, where that is due.

        Raises:
            StoreError: the store failed; it is looked through again in the next round.
        """
        now_ns = self._clock()
        interval_ns = self._rollouts.rules.interval * NANOSECONDS
        if self._looked_ns is not None and 0 <= now_ns - self._looked_ns < interval_ns:
            return
        await self.look()
        self._looked_ns = now_ns

    async def look(self) -> None:
        """Look through all models now, keep what changes, and tell of it.

        Raises:
            StoreError: the store failed; nothing was changed.
        """
        now_ns = self._clock()
        standing, judged = await asyncio.to_thread(self._judged)
        found = plan(standing, judged, now_ns=now_ns, new_id=self._new_id)
        if not (found.made or found.ended):
            return
        await self._kept.commit(found, self._notices(found, now_ns))
        for made in found.made:
            logger.info("suggestion for %s: %s", made.model, made.words)
        if found.made:
            self._telling.news.set()
            self._hearer.suggested(found.made)

    def _notices(self, found: Plan, now_ns: int) -> list[tuple[str, SuggestionNotice]]:
        return [
            (target.name, SuggestionNotice(suggestion=made, at_ns=now_ns))
            for made in found.made
            for target in self._telling.targets()
            if target.hears_suggestion(made.kind, made.model)
        ]

    def _judged(self) -> tuple[list[MadeSuggestion], list[JudgedModel]]:
        standing = self._kept.holding()
        seen = self._log.versions()
        judged = []
        for model in dict.fromkeys(one.model for one in seen):
            versions = [one for one in seen if one.model == model and not one.was_let_go]
            try:
                found = self._judge(model, versions)
            except ModelwatchError as error:
                logger.warning("versions of %s cannot be compared: %s", model, error)
                # As it stood: what cannot be looked at now neither begins nor ends.
                standing = [one for one in standing if one.model != model]
                continue
            if found is not None:
                judged.append(found)
        return standing, judged

    def _judge(self, model: str, versions: Sequence[VersionSeen]) -> JudgedModel | None:
        pair = self._rollouts.choose(model, versions)
        if pair is not None:
            since_ns = pair.candidate.first_seen_ns or 0
            window = self._rollouts.window_since(since_ns)
            found = self._rollouts.compare(
                model, pair.stable.version, pair.candidate.version, window
            )
            serving, suggestion = pair.stable, found.suggestion
        else:
            live = self._rollouts.live(versions)
            if not live:
                return None
            serving, suggestion = max(live, key=lambda one: one.rows), None
        retrain = {serving.version: self._retraining(model, serving.version)}
        return JudgedModel(model=model, rollout=suggestion, retrain=retrain)

    def _retraining(self, model: str, version: str) -> Suggestion | None:
        rules = self._rollouts.rules
        latest = next(reversed(self._labels.concept(model, version).changes), None)
        windows = self._log.summaries(
            model,
            version,
            limit=LOOK_BACK * rules.retrain_windows,
            seconds=self._rollouts.window_seconds,
        )
        names: list[str] = []
        run = 0
        for one in reversed(windows):
            metrics = one.summary.performance
            if not any(metric.realized is not None for metric in metrics.values()):
                continue
            worse = surely_worse(metrics)
            if not worse:
                break
            names = names or [metric.name for metric in worse]
            run += 1
        return suggest_retraining(
            version,
            change=latest if latest is not None and latest.is_worse else None,
            worse=names,
            windows=run,
            enough_windows=rules.retrain_windows,
        )
