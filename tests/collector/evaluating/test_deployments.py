from __future__ import annotations

import json

import pytest

import modelwatch as mw
from modelwatch.collector.evaluating.deployments import Deployments
from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.live_comparison import LiveComparisons
from modelwatch.collector.evaluating.references import Against
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler, evaluation_of
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.origins import Run
from modelwatch.report.drift_report import DriftReport
from tests.collector.conftest import FEATURE, MODEL, NOW_NS, SECOND, VERSION, Traffic

MINUTE = 60 * SECOND
FIRST_NS = NOW_NS - NOW_NS % MINUTE - 10 * MINUTE
SCHEDULE = Schedule(window_seconds=60, interval_seconds=1, lateness_seconds=0)


class Service:
    """Sends windows to a store, each of which is judged by a process that knows nothing.

    Args:
        store: where it all is.
        traffic: makes what is sent.
    """

    def __init__(self, store: SqliteStore, traffic: Traffic) -> None:
        self.store = store
        self.traffic = traffic

    @property
    def evaluator(self) -> Evaluator:
        """One that was just started."""
        return Evaluator(self.store, origins=Deployments(self.store, window_seconds=60))

    async def send(
        self, number: int, *, shift: float = 0.0, rows: int = 500, name: str = "a"
    ) -> None:
        """Send what was seen in one minute, and let the finished windows be judged."""
        profile = self.traffic.profile(
            end_ns=FIRST_NS + (number + 1) * MINUTE, shift=shift, rows=rows, instance=name
        )
        await self.store.write(self.traffic.arrivals(profile))
        await self.judge()

    async def judge(self) -> None:
        """Judge the finished windows."""
        scheduler = Scheduler(self.store, self.evaluator, SCHEDULE, clock=lambda: NOW_NS)
        await scheduler.run_once()

    def runs(self) -> list[Run | None]:
        """Return what the store says of the feature, window by window."""
        told = self.store.summaries(MODEL, VERSION, limit=20, seconds=60)
        found = []
        for one in told:
            assert one.summary.deployed is not None
            found.append(one.summary.deployed.runs.get(FEATURE))
        reports = self.store.evaluations(MODEL, VERSION, limit=20, seconds=60)
        for run, stored in zip(found, reports, strict=True):
            feature = DriftReport.from_dict(json.loads(stored.report)).features[FEATURE]
            is_found = feature.severity in ("drift", "warning")
            expected = run if is_found and run else Run(None, None)
            assert (feature.origin, feature.since_ns) == expected
        return found


@pytest.fixture
async def service(store: SqliteStore, baseline: mw.Baseline, traffic: Traffic) -> Service:
    """A service whose baseline is known."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    return Service(store, traffic)


def at(number: int) -> int:
    """Return the start of a window."""
    return FIRST_NS + number * MINUTE


def window(first: int, last: int, *, off: int = 0) -> TimeWindow:
    """Return the minutes from one to another, and so many nanoseconds later."""
    return TimeWindow(at(first) + off, at(last) + off)


def origin_in(found: Assessment) -> tuple[str | None, int | None]:
    """Return what an assessment says of the feature."""
    assert found.report is not None
    feature = found.report.features[FEATURE]
    return feature.origin, feature.since_ns


async def test_what_is_there_from_the_first_window_on_is_skew(service: Service) -> None:
    """It stays skew since the deployment, window after window, whoever judges them."""
    for number in range(4):
        await service.send(number, shift=30)
    assert service.runs() == [Run("skew", at(0))] * 4


async def test_what_begins_later_is_drift(service: Service) -> None:
    """It is drift since the window that found it first; what goes and comes is drift too."""
    for number, shift in enumerate([0, 30, 30, 0, 30]):
        await service.send(number, shift=shift)
    drift = Run("drift", at(1))
    assert service.runs() == [None, drift, drift, None, Run("drift", at(4))]


async def test_a_first_window_of_few_rows_waits(service: Service) -> None:
    """The first window that judges the feature counts, and skew is since the deployment."""
    await service.send(0, rows=4, shift=30)
    await service.send(2, rows=4, shift=30)
    await service.send(3, shift=30)
    assert service.runs() == [None, None, Run("skew", at(0))]


async def test_late_data_of_an_old_window_corrects_those_after_it(service: Service) -> None:
    """A first window that turns out calm makes drift of what was taken for skew."""
    await service.send(0, rows=4, shift=30)
    await service.send(1, shift=30)
    await service.send(2, shift=30)
    assert service.runs()[1:] == [Run("skew", at(0))] * 2
    await service.send(0, rows=800, name="late")
    assert service.runs() == [None, Run("drift", at(1)), Run("drift", at(1))]


async def test_data_before_the_first_window_corrects_it_too(service: Service) -> None:
    """A sender that was cut off delivers older windows: the first one is another then."""
    await service.send(3, shift=30)
    assert service.runs() == [Run("skew", at(3))]
    await service.send(1, name="late")
    assert service.runs() == [None, Run("drift", at(3))]


async def test_windows_before_those_known_leave_it_unknown(
    service: Service, store: SqliteStore, traffic: Traffic
) -> None:
    """Where a version sent long before its first judged window, nobody knows since when."""
    early = traffic.profile(end_ns=NOW_NS - 300 * 86_400 * SECOND)
    await store.write(traffic.arrivals(early))
    await service.send(3, shift=30)
    await service.send(4, shift=30)
    assert service.runs() == [Run(None, None)] * 2


async def test_another_length_of_the_windows_loses_nothing(service: Service) -> None:
    """What was skew by windows of a minute is skew since then by windows of two."""
    for number, shift in enumerate([30, 30]):
        await service.send(number, shift=shift)
    origins = Deployments(service.store, window_seconds=120)
    await service.send(2, shift=30)
    found = Evaluator(service.store, origins=origins).assess(MODEL, VERSION, window(1, 3))
    assert origin_in(found) == ("skew", at(0))
    assert found.deployed is not None


async def test_evaluations_that_somebody_asked_for_are_no_predecessors(service: Service) -> None:
    """A window evaluated by hand before the first of the schedule does not hide the deployment."""
    asked = service.evaluator.assess(MODEL, VERSION, window(-30, 0))
    kept = evaluation_of(asked, NOW_NS)
    assert kept is not None
    await service.store.record_evaluation(MODEL, VERSION, kept)
    await service.send(0, shift=30)
    assert service.runs() == [Run("skew", at(0))]


async def test_another_binary_is_a_deployment(
    service: Service, store: SqliteStore, traffic: Traffic
) -> None:
    """What differs from the first window of another model file on is skew since then."""
    await service.send(0)
    for number in (1, 2):
        profile = traffic.profile(end_ns=at(number + 1), shift=30)
        profile.mismatches.update({"model.hash=0123456789ab": 1})
        await store.write(traffic.arrivals(profile))
        await service.judge()
    assert service.runs() == [None, Run("skew", at(1)), Run("skew", at(1))]


async def test_windows_of_any_length_say_it_too(service: Service) -> None:
    """A page's window has what the schedule knew when it ended, and what came since."""
    assert origin_in(service.evaluator.assess(MODEL, VERSION, window(0, 3, off=7))) == (None, None)
    for number, shift in enumerate([30, 30, 0, 30]):
        await service.send(number, shift=shift)
    assess = service.evaluator.assess
    assert origin_in(assess(MODEL, VERSION, window(0, 2))) == ("skew", at(0))
    assert origin_in(assess(MODEL, VERSION, window(1, 2))) == ("skew", at(0))
    assert origin_in(assess(MODEL, VERSION, window(0, 4))) == ("drift", at(3))
    assert origin_in(assess(MODEL, VERSION, window(0, 3))) == (None, None)  # ended within it


async def test_a_young_versions_first_rows_are_told_before_any_schedule(
    service: Service, store: SqliteStore, traffic: Traffic
) -> None:
    """Before the first window is finished, what is found is there since the first data."""
    await store.write(traffic.arrivals(traffic.profile(end_ns=NOW_NS, shift=30)))
    asked = TimeWindow(NOW_NS - 120 * SECOND, NOW_NS)
    found = service.evaluator.assess(MODEL, VERSION, asked)
    assert origin_in(found) == ("skew", asked.start_ns)


async def test_against_other_windows_nothing_is_skew(service: Service) -> None:
    """A comparison with a live window is not one with training."""
    await service.send(0)
    await service.send(1, shift=30)
    comparisons = LiveComparisons(service.store, service.evaluator)
    found = comparisons.assess(MODEL, VERSION, window(1, 2), Against(kind="previous"))
    assert found.report is not None
    assert found.report.features[FEATURE].severity == "drift"
    assert origin_in(found) == (None, None)
