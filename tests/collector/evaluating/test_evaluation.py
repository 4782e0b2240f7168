from __future__ import annotations

import dataclasses

import pytest

import modelwatch as mw
from modelwatch.collector.evaluating.due_windows import choose_windows
from modelwatch.collector.evaluating.evaluation import Evaluator, assess
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.latest import Latest
from modelwatch.collector.serving.page_words import notes_of
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import FilledWindow, WindowProfiles
from modelwatch.collector.windows import HORIZON_WINDOWS, TimeWindow
from tests.collector.conftest import FEATURE, MODEL, NOW_NS, SECOND, VERSION, Traffic

WINDOW = TimeWindow.ending(NOW_NS, seconds=60)
NOTHING = WindowProfiles(profiles={}, unmergeable=0, instances=0, through_id=0)


def observed(*profiles: mw.Profile) -> WindowProfiles:
    """Return these profiles as those of a window."""
    return dataclasses.replace(
        NOTHING, profiles={profile.baseline_id: profile for profile in profiles}, through_id=1
    )


def state(baseline: mw.Baseline | None, found: WindowProfiles) -> str:
    """Return what a window comes to."""
    return assess(MODEL, VERSION, WINDOW, baseline=baseline, observed=found).state


def test_every_window_has_a_state(baseline: mw.Baseline, traffic: Traffic) -> None:
    """Drift, no drift, too few rows, no data and no baseline are told apart."""
    assert state(baseline, observed(traffic.profile())) == "no_drift"
    assert state(baseline, observed(traffic.profile(shift=30))) == "drift"
    assert state(baseline, observed(traffic.profile(rows=5))) == "insufficient_data"
    assert state(baseline, NOTHING) == "no_data"
    assert state(None, observed(traffic.profile())) == "no_baseline"


def test_window_without_data_is_never_without_drift(baseline: mw.Baseline) -> None:
    """Where nothing was sent, the report says of every feature that it was not judged."""
    found = assess(MODEL, VERSION, WINDOW, baseline=baseline, observed=NOTHING)
    assert found.report is not None
    assert {f.severity for f in found.report.features.values()} == {"insufficient_data"}
    assert (found.report.rows, found.report.end_ns) == (0, NOW_NS)


def test_other_bins_are_told(baseline: mw.Baseline, traffic: Traffic) -> None:
    """Of a sender that knows no baseline, numbers are judged on the baseline's bins and told."""
    found = assess(
        MODEL,
        VERSION,
        WINDOW,
        baseline=baseline,
        observed=observed(traffic.profile(on_baseline=False)),
    )
    assert (found.other_bins, set(found.rebinned)) == ((), {FEATURE, "score"})
    assert found.report is not None
    severities = {name: f.severity for name, f in found.report.features.items()}
    assert severities == {FEATURE: "none", "score": "none", "country": "none"}
    assert found.current is not None
    assert FEATURE in found.current.features


def test_equal_bins_need_no_baseline_id(baseline: mw.Baseline, traffic: Traffic) -> None:
    """A sender that counts on the baseline's bins is judged though it does not name it."""
    profile = traffic.profile(shift=30)
    profile.baseline_id = None
    found = assess(MODEL, VERSION, WINDOW, baseline=baseline, observed=observed(profile))
    assert (found.state, found.other_bins) == ("drift", ())


def test_what_has_to_be_known_of_a_report_is_on_its_page(
    baseline: mw.Baseline, traffic: Traffic
) -> None:
    """A report's note is among the notes of the page, as a sentence."""
    found = assess(MODEL, VERSION, WINDOW, baseline=baseline, observed=observed(traffic.profile()))
    assert found.report is not None
    assert notes_of(found) == []
    report = dataclasses.replace(found.report, note="no performance is estimated: why")
    noted = dataclasses.replace(found, report=report)
    assert notes_of(noted) == ["No performance is estimated: why."]


def test_own_bins_come_first(baseline: mw.Baseline, traffic: Traffic) -> None:
    """Where both kinds are there, those on the baseline's bins count; the others are told."""
    both = observed(traffic.profile(rows=100), traffic.profile(rows=900, on_baseline=False))
    found = assess(MODEL, VERSION, WINDOW, baseline=baseline, observed=both)
    assert (found.other_bins, found.rows_apart) == ((), 900)


def test_incomparable_profiles_do_not_raise(baseline: mw.Baseline, traffic: Traffic) -> None:
    """A feature of another type makes the window incomparable, counted, and nothing raises."""
    profile = mw.Profile.empty(MODEL, VERSION)
    profile.update({FEATURE: ["text"] * 100})
    found = assess(MODEL, VERSION, WINDOW, baseline=baseline, observed=observed(profile))
    assert (found.state, found.unmergeable) == ("incomparable", 1)


def test_chooses_what_is_due() -> None:
    """Finished windows with data are due once, and again where data came after."""
    filled = [FilledWindow(number=n, through_id=5) for n in (4, 1, 2, 3)]
    windows = {n: TimeWindow.aligned(n, seconds=60) for n in range(6)}
    evaluated = {windows[1]: 5, windows[2]: 4}
    due = choose_windows(filled, evaluated, seconds=60, before_ns=windows[3].end_ns)
    assert due == [windows[2], windows[3]]


async def test_scheduler_evaluates_finished_windows_once(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """Each finished window is evaluated once; the running one and old ones are left."""
    clock = [NOW_NS]
    schedule = Schedule(window_seconds=60, interval_seconds=1, lateness_seconds=0)
    scheduler = Scheduler(store, Evaluator(store), schedule, clock=lambda: clock[0])
    end = NOW_NS - NOW_NS % (60 * SECOND)
    for back in (-1, 0, 60, HORIZON_WINDOWS * 60 + 600):
        await store.write(traffic.arrivals(traffic.profile(end_ns=end - back * SECOND, shift=30)))
    assert await scheduler.run_once() == 0  # no baseline yet
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    assert await scheduler.run_once() == 2
    assert await scheduler.run_once() == 0
    late = traffic.profile(end_ns=end - 30 * SECOND, instance="late")
    await store.write(traffic.arrivals(late))
    assert await scheduler.run_once() == 1
    clock[0] += 120 * SECOND
    assert await scheduler.run_once() == 1
    found = store.evaluations(MODEL, VERSION, limit=10)
    assert [item.window.end_ns - end for item in found] == [-60 * SECOND, 0, 60 * SECOND]


async def test_scheduler_survives_a_damaged_baseline(store: SqliteStore, traffic: Traffic) -> None:
    """A baseline that cannot be read fails its own version, and no other."""
    await store.put_baseline(MODEL, VERSION, "bad", "{}")
    await store.write(traffic.arrivals(traffic.profile(end_ns=NOW_NS - 90 * SECOND)))
    schedule = Schedule(window_seconds=60, interval_seconds=1, lateness_seconds=0)
    assert await Scheduler(store, Evaluator(store), schedule, clock=lambda: NOW_NS).run_once() == 0


async def test_scheduler_survives_a_fault(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A fault of ours in one comparison is logged, and the schedule goes on."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    await store.write(traffic.arrivals(traffic.profile(end_ns=NOW_NS - 90 * SECOND)))
    evaluator = Evaluator(store)
    schedule = Schedule(window_seconds=60, interval_seconds=1, lateness_seconds=0)
    scheduler = Scheduler(store, evaluator, schedule, clock=lambda: NOW_NS)
    with monkeypatch.context() as broken:
        broken.setattr(evaluator, "assess", lambda *_: 1 // 0)
        assert await scheduler.run_once() == 0
    assert "ZeroDivisionError" in caplog.text
    assert await scheduler.run_once() == 1


async def test_evaluator_sees_new_data(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """The same window is computed once, until data or another baseline comes."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    evaluator = Evaluator(store)
    await store.write(traffic.arrivals())
    first = evaluator.assess(MODEL, VERSION, WINDOW)
    assert evaluator.assess(MODEL, VERSION, WINDOW) is first
    await store.write(traffic.arrivals(traffic.profile(instance="b")))
    second = evaluator.assess(MODEL, VERSION, WINDOW)
    assert second.current is not None
    assert (second.current.rows, second.instances) == (1_000, 2)


def test_latest_is_bounded() -> None:
    """A cache keeps what was used last, and never more than its capacity."""
    cache = Latest[int](capacity=2)
    made: list[int] = []

    def get(key: int) -> int:
        def make() -> int:
            made.append(key)
            return key

        return cache.get(key, make)

    assert [get(key) for key in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]
    assert len(cache) == 2
