"""Alerts of a running collector: takes in what was evaluated, and keeps what holds."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from modelwatch.collector.alerting.alert import Acknowledgement, Alert
from modelwatch.collector.alerting.alert_store import AlertStore, Change, VersionKey
from modelwatch.collector.alerting.configuration import Configuration, changes_between
from modelwatch.collector.alerting.configured import Configured, configured
from modelwatch.collector.alerting.facts import facts_of
from modelwatch.collector.alerting.facts_shelf import FactsShelf, catch_up
from modelwatch.collector.alerting.holding import LOOK_BACK
from modelwatch.collector.alerting.muting import Silence, muted_by
from modelwatch.collector.alerting.options import AlertingOptions
from modelwatch.collector.alerting.planning import Known, Plan, Round, plan_round
from modelwatch.collector.alerting.siblings import compare_siblings
from modelwatch.collector.alerting.silent_versions import Watching
from modelwatch.collector.alerting.state_machine import RuleKey, RuleState, acknowledge
from modelwatch.collector.alerting.targets import Target
from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.scheduler import Schedule
from modelwatch.collector.storing.store import VersionSeen, VersionSource, WindowSource
from modelwatch.collector.time_bounds import TimeBounds
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import ConfigurationError, ModelwatchError

__all__ = ["Alerting"]

MOST_SILENCES = 1_000
"""Silences in force at the same time."""

logger = logging.getLogger(__name__)


class _Source(VersionSource, WindowSource, Protocol):
    """What alerting asks of the store."""


class Alerting:
    """Keeps the alerts of all model versions, and says who is to be told. It sends nothing itself.

    Thread-safety: the coroutines belong to one event loop; the other methods may be called from
    any thread.
    Memory: the facts of a few windows and the open alerts of each version.

    Args:
        store: keeps alerts.
        source: tells which model versions there are, and which windows hold data.
        evaluator: compares windows that the schedule leaves out, as they have no baseline.
        schedule: how long windows are.
        options: the configuration file.
        pages_url: where the collector's pages are, where the configuration does not say.
        clock: Unix nanoseconds.
        bounds: between which the time lies; where None, the clock is believed.
        new_id: makes ids of alerts and silences.

    Raises:
        ConfigurationError: the configuration is wrong.
        StoreError: the store cannot be read.
    """

    def __init__(
        self,
        store: AlertStore,
        source: _Source,
        evaluator: Evaluator,
        schedule: Schedule,
        options: AlertingOptions,
        *,
        pages_url: str = "",
        clock: Callable[[], int] = time.time_ns,
        bounds: TimeBounds | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._store = store
        self._source = source
        self._evaluator = evaluator
        self._schedule = schedule
        self._options = options
        self._pages_url = pages_url
        self._clock = clock
        self._new_id = new_id
        self._bounds = bounds or TimeBounds(clock)
        self._configured = configured(options, clock())
        kept = store.load()
        self._shelf = FactsShelf(
            kept.facts, window_seconds=schedule.window_seconds, capacity=self._capacity
        )
        self._states: Mapping[RuleKey, RuleState] = {state.key: state for state in kept.states}
        self._silences: Mapping[str, Silence] = {found.id: found for found in kept.silences}
        self._changed: set[VersionKey] = set(self._shelf.facts)
        self._caught_up: set[VersionKey] = set()
        # Guards states and silences from being planned on twice at a time.
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._hearers: list[Callable[[Configuration], None]] = []

    @property
    def configured(self) -> Configured:
        """The configuration in force."""
        return self._configured

    def hear(self, hearer: Callable[[Configuration], None]) -> None:
        """Have something called with the configuration in force, now and each time it is read."""
        self._hearers.append(hearer)
        hearer(self._configured.configuration)

    async def check(self) -> str:
        """Return why what the configuration file says now is not in force; empty where it is."""
        return self._configured.error

    @property
    def config_path(self) -> str | None:
        """The configuration file; None where there is none."""
        return None if self._options.config_path is None else str(self._options.config_path)

    @property
    def news(self) -> asyncio.Event:
        """Set where there may be something to send."""
        return self._news

    def evaluated(self, found: Assessment) -> None:
        """Take in a window that was evaluated. Called in the event loop."""
        key = (found.model, found.version)
        self._shelf.add(key, facts_of(found))
        self._changed.add(key)

    async def round_ended(self) -> None:
        """Bring all alerts up to date, and commit them with the notices that follow.

        Raises:
            StoreError: the store failed; all is taken up again in the next round.
        """
        async with self._turn:
            versions = await asyncio.to_thread(self._source.versions)
            await self._catch_up(versions)
            width_ns = self._schedule.window_seconds * NANOSECONDS
            self._shelf.keep(versions, until_ns=self._clock() + width_ns)
            rules = self._configured.configuration.rules
            self._changed |= await compare_siblings(
                self._shelf, rules, self._source, self._evaluator
            )
            taken, self._changed = self._changed, set()
            try:
                await self._run(versions, taken)
            except BaseException:
                self._changed |= taken
                raise

    async def _run(self, versions: list[VersionSeen], changed: set[VersionKey]) -> None:
        now_ns = self._clock()
        known = Known(states=self._states, facts=self._shelf.facts, versions=versions)
        plan = await asyncio.to_thread(plan_round, known, self._round(now_ns), changed=changed)
        await self._commit(plan, now_ns)

    async def _commit(self, plan: Plan, now_ns: int) -> None:
        fresh = self._shelf.uncommitted
        keep_ns = self._configured.configuration.alerting.keep * NANOSECONDS
        change = Change(
            at_ns=now_ns,
            facts=fresh,
            states=plan.states,
            forgotten=plan.forgotten,
            transitions=plan.transitions,
            notices=plan.notices,
            keep_windows=self._capacity,
            keep_ends_ns=self._shelf.kept,
            ended_before_ns=self._bounds.earliest_ns() - keep_ns,
        )
        if change.is_empty:
            return
        await self._store.commit(change)
        self._shelf.committed(fresh)
        states = {**self._states, **{state.key: state for state in plan.states}}
        self._states = {k: state for k, state in states.items() if k not in set(plan.forgotten)}
        for happened in plan.transitions:
            _log(happened.kind, happened.alert, happened.detail)
        if plan.notices:
            self._news.set()

    async def _catch_up(self, versions: list[VersionSeen]) -> None:
        """Judge what the schedule did not: versions without a baseline, and, once, all others.

        Of those, a process before this one may have ended between an evaluation and its alert.
        """
        for seen in versions:
            key = (seen.model, seen.version)
            if seen.baseline_id is not None and key in self._caught_up:
                continue
            try:
                await self._catch_up_with(seen)
            except ModelwatchError as error:
                logger.warning("alerts of %s %s: %s", seen.model, seen.version, error)
            else:
                self._caught_up.add(key)
        self._caught_up &= {(seen.model, seen.version) for seen in versions}

    async def _catch_up_with(self, seen: VersionSeen) -> None:
        found = await asyncio.to_thread(
            catch_up,
            self._shelf,
            seen,
            self._source,
            self._evaluator,
            before_ns=self._until_ns(self._clock()),
            seconds=self._schedule.window_seconds,
        )
        for facts in found:
            self._shelf.add((seen.model, seen.version), facts)
            self._changed.add((seen.model, seen.version))

    @property
    def _capacity(self) -> int:
        """How many windows of a version the rules look at."""
        rules = self._configured.configuration.rules
        looked_at = [LOOK_BACK * max(rule.m, rule.clear_m) for rule in rules]
        return max([1, *looked_at, *(rule.min_windows for rule in rules)])

    def _until_ns(self, now_ns: int) -> int:
        return now_ns - int(self._schedule.lateness_seconds * NANOSECONDS)

    def _round(self, now_ns: int) -> Round:
        watching = Watching(
            window_seconds=self._schedule.window_seconds,
            since_ns=self._bounds.even_since_ns(),
            until_ns=self._until_ns(now_ns),
        )
        return Round(
            configuration=self._configured.configuration,
            silences=list(self._silences.values()),
            watching=watching,
            now_ns=now_ns,
            new_id=self._new_id,
        )

    def open_alerts(self) -> list[Alert]:
        """Return all alerts that are pending or firing, the worst first; see `AlertSource`."""
        alerts = [state.alert for state in self._states.values() if state.alert is not None]
        return sorted(alerts, key=_rank)

    def pages_url(self) -> str:
        """Return under which address people reach the pages."""
        return self._configured.configuration.alerting.pages_url or self._pages_url

    def targets(self) -> Sequence[Target]:
        """Return who is told, as of now."""
        return self._configured.configuration.notify

    def told_alerts(self, target: Target) -> list[Alert]:
        """Return the open alerts that a target was told of, and that nothing mutes."""
        return [
            alert
            for alert in self.open_alerts()
            if alert.told_ns is not None and target.hears(alert) and not self.muted_by(alert)
        ]

    def muted_by(self, alert: Alert) -> str:
        """Return why nobody is told of an alert now; empty where nothing mutes it."""
        maintenance = self._configured.configuration.maintenance
        return muted_by(alert, list(self._silences.values()), maintenance, self._clock())

    async def acknowledge(self, alert_id: str, *, by: str, comment: str) -> Alert | None:
        """Note that a person has taken note of an open alert, which then is not repeated.

        Returns:
            The alert; None where no such alert is open.

        Raises:
            StoreError: the store failed; nothing was noted.
        """
        async with self._turn:
            now_ns = self._clock()
            noted = Acknowledgement(by=by, at_ns=now_ns, comment=comment)
            for state in self._states.values():
                if state.alert is not None and state.alert.id == alert_id:
                    after, happened = acknowledge(state, noted)
                    plan = Plan(states=[after], forgotten=(), transitions=happened, notices=())
                    await self._commit(plan, now_ns)
                    return after.alert
        return None

    def silences(self) -> list[Silence]:
        """Return the silences in force, and those that ended lately."""
        return sorted(self._silences.values(), key=lambda found: -found.until_ns)

    async def silence(
        self, matchers: Mapping[str, str], *, until_ns: int, by: str, comment: str
    ) -> Silence:
        """Tell nobody of some alerts for a time.

        Raises:
            ConfigurationError: too many silences are in force.
            StoreError: the store failed; nothing was set.
        """
        now_ns = self._clock()
        if sum(found.covers(now_ns) for found in self._silences.values()) >= MOST_SILENCES:
            raise ConfigurationError(
                f"{MOST_SILENCES} silences are in force: end one of them first."
            )
        made = Silence(
            id=self._new_id(),
            matchers=dict(matchers),
            created_ns=now_ns,
            until_ns=until_ns,
            by=by,
            comment=comment,
        )
        await self._keep_silence(made)
        return made

    async def end_silence(self, silence_id: str) -> bool:
        """End a silence now; return whether it was in force.

        Raises:
            StoreError: the store failed; nothing was changed.
        """
        found, now_ns = self._silences.get(silence_id), self._clock()
        if found is None or not found.covers(now_ns):
            return False
        await self._keep_silence(replace(found, until_ns=now_ns))
        return True

    async def _keep_silence(self, silence: Silence) -> None:
        await self._store.put_silence(silence)
        silences = {**self._silences, silence.id: silence}
        horizon_ns = self._clock() - 7 * 86_400 * NANOSECONDS
        self._silences = {k: one for k, one in silences.items() if one.until_ns > horizon_ns}

    async def follow(self, reload: asyncio.Event, stop: asyncio.Event) -> None:
        """Read the configuration anew each time ``reload`` is set, until ``stop`` is."""
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            asked = asyncio.create_task(reload.wait())
            await asyncio.wait({asked, stopping}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if reload.is_set():
                reload.clear()
                await self.reload()

    async def reload(self) -> None:
        """Read the configuration anew; where it is wrong, the one in force stays."""
        before = self._configured
        try:
            after = await asyncio.to_thread(configured, self._options, self._clock())
        except ConfigurationError as error:
            self._configured = replace(before, error=str(error))
            logger.warning("the configuration in force stays: %s", error)
            return
        self._configured = after
        self._shelf.capacity = self._capacity
        self._changed |= set(self._shelf.facts)
        self._news.set()
        for hearer in self._hearers:
            hearer(after.configuration)
        changes = changes_between(before.configuration, after.configuration)
        logger.info("configuration read anew: %s", "; ".join(changes) or "nothing changed")


def _rank(alert: Alert) -> tuple[bool, bool, int, str]:
    return alert.state == "pending", alert.severity != "critical", -alert.since_ns, alert.id


def _log(kind: str, alert: Alert, detail: str) -> None:
    names = ", ".join(feature.name for feature in alert.features[:5])
    logger.info(
        "alert %s %s: %s %s, %s (%s)%s",
        *(alert.id, kind, alert.model, alert.version, alert.rule, names),
        f": {detail}" if detail else "",
    )
