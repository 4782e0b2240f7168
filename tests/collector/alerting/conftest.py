"""Alerting on a real store, with a clock that the test sets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modelwatch.collector.alerting.alert import AlertFeature, AlertSeverity
from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.alerting.facts import Seen, WindowFacts
from modelwatch.collector.alerting.observing import Observation
from modelwatch.collector.alerting.options import AlertingOptions
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.time_bounds import TimeBounds
from modelwatch.collector.windows import TimeWindow
from tests.collector.conftest import NOW_NS, SECOND

WINDOW = 60
FIRST = NOW_NS // (WINDOW * SECOND)
SCHEDULE = Schedule(window_seconds=WINDOW, interval_seconds=0.05, lateness_seconds=0.0)


def window(number: int) -> TimeWindow:
    """Return a window of the grid, counted from now."""
    return TimeWindow.aligned(FIRST + number, seconds=WINDOW)


def feature(name: str, severity: AlertSeverity = "critical", weight: float = 1.0) -> AlertFeature:
    """Return one thing found."""
    return AlertFeature(name=name, severity=severity, weight=weight, cause=f"{name} went up")


def observations(letters: str, *, name: str = "age", start: int = 0) -> list[Observation]:
    """Return windows by letters: D critical, w warning, . calm, ? nothing could be judged."""
    severities: dict[str, AlertSeverity] = {"D": "critical", "w": "warning"}
    return [
        Observation(
            window=window(start + place),
            found={name: feature(name, severities[letter])} if letter in severities else {},
            judged=letter != "?",
        )
        for place, letter in enumerate(letters)
    ]


def facts(number: int, *found: str, baseline_id: str | None = "b") -> WindowFacts:
    """Return the facts of a window in which features drifted."""
    return WindowFacts(
        window=window(number),
        baseline_id=baseline_id,
        through_id=number + 1,
        state="drift" if found else "no_drift",
        features={name: Seen(weight=1.0, cause=f"{name} went up") for name in found},
    )


def counted() -> Callable[[], str]:
    """Return a maker of ids: a1, a2, ..."""
    numbers = itertools.count(1)
    return lambda: f"a{next(numbers)}"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ns: int = NOW_NS

    def __call__(self) -> int:
        """Return Unix nanoseconds."""
        return self.now_ns

    def forward(self, seconds: float) -> None:
        """Move it."""
        self.now_ns += int(seconds * SECOND)


@dataclass
class Desk:
    """Alerting with all that it needs."""

    store: SqliteStore
    alerts: SqliteAlerts
    alerting: Alerting
    evaluator: Evaluator
    scheduler: Scheduler
    clock: Clock = field(default_factory=Clock)


def make_alerting(
    store: SqliteStore,
    *,
    clock: Clock | None = None,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    new_id: Callable[[], str] | None = None,
    bounds: TimeBounds | None = None,
) -> Desk:
    """Return alerting on a store, as a collector that starts has it."""
    alerts = SqliteAlerts(store.database)
    evaluator = Evaluator(store)
    moving = clock or Clock()
    alerting = Alerting(
        alerts,
        store,
        evaluator,
        SCHEDULE,
        AlertingOptions(config_path=config, environment=environment or {}),
        pages_url="http://pages",
        clock=moving,
        bounds=bounds,
        new_id=new_id or counted(),
    )
    scheduler = Scheduler(store, evaluator, SCHEDULE, listener=alerting, clock=moving)
    return Desk(store, alerts, alerting, evaluator, scheduler, moving)


Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Return a function that writes the configuration file."""

    def write(text: str) -> Path:
        path = tmp_path / "modelwatch.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def desk(store: SqliteStore) -> Desk:
    """Alerting by the rules that hold without a configuration."""
    return make_alerting(store)
