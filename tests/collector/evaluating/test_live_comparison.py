from __future__ import annotations

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.live_comparison import LiveComparisons, compare_profiles
from modelwatch.collector.evaluating.rebinning import MOST_REBINNING_ERROR
from modelwatch.collector.evaluating.references import Against, parse_reference
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import ConfigurationError
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import ExponentialHistogram, Histogram, Moments
from tests import plain_http
from tests.collector.conftest import FEATURE, MODEL, NOW_NS, SECOND, VERSION, Start, Traffic

HOUR = 3_600
WEEK = 7 * 86_400
WINDOW = TimeWindow.ending(NOW_NS, seconds=HOUR)


async def sent(store: SqliteStore, traffic: Traffic, *, back: int, shift: float = 0.0) -> None:
    """Store what a sender saw, so many seconds ago."""
    profile = traffic.profile(end_ns=NOW_NS - back * SECOND, shift=shift)
    await store.write(traffic.arrivals(profile))


async def test_compares_with_the_window_before_and_with_last_week(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """What moved an hour ago is told against last week, and not against the window before."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    await sent(store, traffic, back=0, shift=20)
    await sent(store, traffic, back=HOUR, shift=20)
    await sent(store, traffic, back=WEEK)
    comparisons = LiveComparisons(store, Evaluator(store))
    previous = comparisons.assess(MODEL, VERSION, WINDOW, Against(kind="previous"))
    week = comparisons.assess(MODEL, VERSION, WINDOW, Against(kind="last_week"))
    assert (previous.state, week.state) == ("no_drift", "drift")
    assert week.against is not None
    assert (week.against.rows, week.against.dependence) == (500, "baseline")
    assert week.against.window.end_ns == NOW_NS - WEEK * SECOND
    assert comparisons.assess(MODEL, VERSION, WINDOW).state == "drift"


async def test_without_a_baseline_rows_are_said_to_be_independent(
    store: SqliteStore, traffic: Traffic
) -> None:
    """Two windows need no baseline; the answer says what is assumed then."""
    for back, shift in ((0, 25.0), (HOUR, 0.0)):
        profile = traffic.profile(end_ns=NOW_NS - back * SECOND, shift=shift, on_baseline=False)
        await store.write(traffic.arrivals(profile))
    found = LiveComparisons(store, Evaluator(store)).assess(
        MODEL, VERSION, WINDOW, Against(kind="previous")
    )
    assert found.against is not None
    assert found.against.dependence == "independent"
    assert found.report is not None
    assert found.report.features[FEATURE].severity == "drift"
    assert found.report.features["country"].severity == "none"


def seen(values: np.ndarray, bin_edges: np.ndarray | None, *, by: str | None = None) -> mw.Profile:
    """Return numbers counted on bins, or in an exponential histogram where there are none."""
    profile = mw.Profile("m", "1", baseline_id=by, start_ns=1, end_ns=2)
    sketch = ExponentialHistogram() if bin_edges is None else Histogram(bin_edges)
    sketch.update(values)
    moments = Moments()
    moments.update(values)
    profile.features["x"] = FeatureProfile("x", "input", "numeric", sketch, moments)
    profile.rows = values.size
    return profile


@pytest.mark.parametrize(("shift", "severity"), [(0.0, "none"), (1.0, "drift")])
@pytest.mark.parametrize("sides", ["before", "now", "both"])
def test_numbers_on_other_bins_are_judged_where_little_is_lost(
    sides: str, shift: float, severity: str
) -> None:
    """A service that knew no baseline is compared with one that did, and its error is stated."""
    random = np.random.default_rng(3)
    baseline = mw.Baseline.fit({"x": random.normal(40, 10, 20_000)}, model="m", version="1")
    edges = baseline.features["x"].bin_edges
    before, now = random.normal(40, 10, 20_000), random.normal(40 + 10 * shift, 10, 20_000)
    found = compare_profiles(
        seen(before, edges, by=baseline.id) if sides == "now" else seen(before, None),
        seen(now, edges, by=baseline.id) if sides == "before" else seen(now, None),
        baseline=baseline,
    )
    assert found.other_bins == ()
    assert 0.0 < found.rebinned["x"] <= MOST_REBINNING_ERROR * (2 if sides == "both" else 1)
    assert found.report.features["x"].severity == severity
    exact = compare_profiles(
        seen(before, edges, by=baseline.id), seen(now, edges, by=baseline.id), baseline=baseline
    )
    assert exact.rebinned == {}
    ks = [one.report.features["x"].ks or 0.0 for one in (found, exact)]
    assert ks[0] == pytest.approx(ks[1], abs=found.rebinned["x"] + 2 / 20_000)


def test_numbers_on_too_different_bins_are_left_out_and_named() -> None:
    """Where either side is too coarse nothing is told of the feature but its name."""
    random = np.random.default_rng(3)
    baseline = mw.Baseline.fit({"x": random.normal(40, 10, 20_000)}, model="m", version="1")
    edges = baseline.features["x"].bin_edges
    assert edges is not None
    before, now = random.normal(40, 10, (2, 20_000))
    coarse = compare_profiles(
        seen(before, edges, by=baseline.id), seen(now, edges[::30]), baseline=baseline
    )
    assert (coarse.other_bins, dict(coarse.rebinned)) == (("x",), {})
    assert "x" not in coarse.report.features
    other = compare_profiles(
        seen(before, edges[::30]), seen(now, edges, by=baseline.id), baseline=baseline
    )
    assert other.other_bins == ("x",)


async def test_a_window_before_the_baseline_was_known_is_compared(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """Senders that fetch the baseline between two windows do not end the comparison of them."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    for back, known in ((0, True), (HOUR, False)):
        profile = traffic.profile(end_ns=NOW_NS - back * SECOND, on_baseline=known, rows=2_000)
        await store.write(traffic.arrivals(profile))
    found = LiveComparisons(store, Evaluator(store)).assess(
        MODEL, VERSION, WINDOW, Against(kind="previous")
    )
    assert found.report is not None
    assert found.report.features["score"].severity == "none"
    assert found.state == "no_drift"
    assert 0.0 < found.rebinned["score"] <= MOST_REBINNING_ERROR


async def test_nothing_to_compare_with_is_a_state(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """A window whose reference is empty is never one without drift."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    await sent(store, traffic, back=0)
    comparisons = LiveComparisons(store, Evaluator(store))
    found = comparisons.assess(MODEL, VERSION, WINDOW, Against(kind="previous"))
    earlier = comparisons.assess(
        MODEL, VERSION, Against(kind="previous").window(WINDOW), Against(kind="previous")
    )
    assert (found.state, found.report) == ("no_reference", None)
    assert earlier.state == "no_data"


async def test_compares_with_another_version(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """A canary is compared with the version beside it in the same window."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    canary = traffic.profile(shift=20)
    await store.write(traffic.arrivals(canary))
    for version, shift in (("champion", 0.0), ("alike", 20.0)):
        other = traffic.profile(shift=shift)
        other.version = version
        await store.write(traffic.arrivals(other))
    comparisons = LiveComparisons(store, Evaluator(store))
    states = {
        version: comparisons.assess(
            MODEL, VERSION, WINDOW, Against(kind="version", version=version)
        ).state
        for version in ("champion", "alike")
    }
    assert states == {"champion": "drift", "alike": "no_drift"}


async def test_the_latest_rows_are_a_window_too(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """The last rows are judged whenever they came, and against what came in the time before."""
    await store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())
    await sent(store, traffic, back=86_400, shift=20)
    await sent(store, traffic, back=86_400 + 60)
    comparisons = LiveComparisons(store, Evaluator(store))
    found = comparisons.assess_rows(MODEL, VERSION, 400)
    assert found.current is not None
    assert (found.state, found.current.rows) == ("drift", 500)
    assert found.window.end_ns == NOW_NS - 86_400 * SECOND
    before = comparisons.assess_rows(MODEL, VERSION, 400, Against(kind="previous"))
    assert (before.state, before.against and before.against.rows) == ("drift", 500)
    both = comparisons.assess_rows(MODEL, VERSION, 501)
    assert both.current is not None
    assert both.current.rows == 1_000


def test_references_are_read_and_others_refused() -> None:
    """What is no reference is refused with what there is."""
    for text in ("baseline", "previous", "last_week", "version:2"):
        assert str(parse_reference(text)) == text
    for text in ("", "version:", "yesterday"):
        with pytest.raises(ConfigurationError, match="last_week"):
            parse_reference(text)


def test_over_http(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """The API takes a reference and rows, says what it compared with, and so does the page."""
    collector = start()
    collector.push(baseline)
    collector.post(traffic.body(traffic.profile(shift=20)))
    collector.post(traffic.body(traffic.profile(end_ns=NOW_NS - HOUR * SECOND)))
    asked = {"window": "1h", "reference": "previous"}
    found = plain_http.get(collector.version("/drift"), params=asked).json()
    assert (found["state"], found["reference"]["kind"]) == ("drift", "previous")
    assert (found["reference"]["rows"], found["reference"]["rows_taken_as"]) == (500, "dependent")
    rows = plain_http.get(collector.version("/drift"), params={"rows": "100"}).json()
    assert (rows["rows"], rows["reference"]) == (500, {"kind": "baseline"})
    page = plain_http.get(collector.page(), params=asked).text
    assert "Compared with" in page
    assert "reference=previous" in page
    for wrong in ({"reference": "x"}, {"rows": "5", "window": "1h"}, {"rows": "0"}):
        assert plain_http.get(collector.version("/drift"), params=wrong).status_code == 400
    unknown = plain_http.get(collector.version("/drift"), params={"reference": "version:9"})
    assert unknown.status_code == 404
