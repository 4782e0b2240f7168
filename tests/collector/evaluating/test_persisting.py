"""What holds over the windows that the collector evaluated by itself."""

from __future__ import annotations

import json

import pytest

import modelwatch as mw
from modelwatch.collector.evaluating.evaluation import assess
from modelwatch.collector.evaluating.persisting import (
    held_words,
    histories_of,
    read_windows,
    windows_needed,
)
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.serving.page_words import holding
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import (
    Evaluation,
    SummarizedEvaluation,
    WindowProfiles,
)
from modelwatch.collector.windows import TimeWindow
from modelwatch.persistence import FeatureHistory, Persistence
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from tests import plain_http
from tests.collector.conftest import (
    FEATURE,
    MODEL,
    NOW_NS,
    SECOND,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
)

LETTERS: dict[str, Severity] = {"D": "drift", ".": "none", "?": "insufficient_data"}
GRID_NS = NOW_NS - NOW_NS % (60 * SECOND)


def evaluation(
    letter: str, number: int, *, baseline_id: str = "b", seconds: int = 60
) -> Evaluation:
    """Return what was found of one feature in the window of that number."""
    feature = FeatureDrift(
        name="age", role="input", kind="numeric", rows=9, severity=LETTERS[letter]
    )
    report = DriftReport(
        model=MODEL,
        version=VERSION,
        baseline_id=baseline_id,
        start_ns=0,
        end_ns=0,
        rows=9,
        features={"age": feature},
    )
    return Evaluation(
        baseline_id=baseline_id,
        window=TimeWindow.aligned(number, seconds=seconds),
        through_id=number,
        evaluated_ns=number,
        report=json.dumps(report.to_dict()),
    )


def summarized(found: Evaluation) -> SummarizedEvaluation:
    """Return an evaluation as lists of many have it."""
    return SummarizedEvaluation(
        baseline_id=found.baseline_id,
        window=found.window,
        through_id=found.through_id,
        evaluated_ns=found.evaluated_ns,
        summary=EvaluationSummary.of_document(found.report),
    )


def found_at(window: list[FeatureHistory]) -> tuple[int, int]:
    """Return in how many windows the feature was found, of how many."""
    (history,) = window
    return history.found, history.judged


def test_each_window_knows_those_before_it() -> None:
    """Of each window is told what held when it ended."""
    told = read_windows(
        [summarized(evaluation(letter, n)) for n, letter in enumerate("D?D..")], Persistence()
    )
    assert [found_at(window.histories) for window in told] == [
        (1, 1),
        (1, 1),
        (2, 2),
        (2, 3),
        (1, 3),
    ]
    assert [window.histories[0].persists for window in told] == [False, False, True, True, False]


def test_windows_of_another_baseline_or_length_are_apart() -> None:
    """A new baseline starts anew, and so does another length of the windows."""
    mixed = [
        evaluation("D", 1),
        evaluation("D", 2, baseline_id="new"),
        evaluation("D", 3, seconds=90),
        evaluation("D", 4),
    ]
    told = read_windows([summarized(found) for found in mixed], Persistence())
    assert [found_at(window.histories) for window in told] == [(1, 1), (1, 1), (1, 1), (2, 2)]


async def test_histories_are_as_of_the_window_that_is_asked_for(
    store: SqliteStore, baseline: mw.Baseline
) -> None:
    """Finished windows after the one asked for, of other lengths or baselines, do not count."""
    options = CollectorOptions(store_path=store.path, window_seconds=60)
    for letter, number in zip("DD..", range(1, 5), strict=True):
        found = evaluation(letter, number, baseline_id=baseline.id)
        await store.record_evaluation(MODEL, VERSION, found)
    await store.record_evaluation(MODEL, VERSION, evaluation("D", 4, baseline_id="old"))

    def histories(end_seconds: int, known: mw.Baseline | None) -> list[FeatureHistory]:
        window = TimeWindow.ending(end_seconds * SECOND, seconds=3_600)
        nothing = WindowProfiles(profiles={}, unmergeable=0, instances=0, through_id=0)
        asked = assess(MODEL, VERSION, window, baseline=known, observed=nothing)
        return histories_of(store, asked, options)

    assert found_at(histories(180, baseline)) == (2, 2)
    assert found_at(histories(299, baseline)) == (2, 3)
    assert found_at(histories(10_000, baseline)) == (1, 3)
    assert histories(119, baseline) == []
    assert histories(180, None) == []


def test_looks_further_back_than_the_last_m() -> None:
    """Windows that could not be judged leave room for those before them."""
    assert windows_needed(Persistence(k=2, m=3)) > 3


@pytest.mark.parametrize(
    ("found", "judged", "words"),
    [
        (0, 3, ""),
        (1, 1, "in the one window judged so far"),
        (2, 3, "in 2 of the last 3 windows"),
    ],
)
def test_words(found: int, judged: int, words: str) -> None:
    """In how many windows a feature was found is said only where it was."""
    history = FeatureHistory(name="a", severity="none", found=found, judged=judged)
    assert held_words(history) == words


def test_many_names_are_shortened() -> None:
    """What holds is named up to six features; nothing is said where nothing does."""
    holds = [FeatureHistory(name=f"f{n}", severity="drift", found=2, judged=3) for n in range(9)]
    (remark,) = holding(holds, Persistence())
    assert remark.text == (
        "in 2 or more of the last 3 finished windows: f0, f1, f2, f3, f4, f5, 3 more"
    )
    harmless = FeatureHistory(name="a", severity="warning", found=2, judged=2, harmless=True)
    assert holding([harmless], Persistence())[0].text.endswith("windows: a (harmless)")
    resolved = FeatureHistory(name="a", severity="none", found=1, judged=3)
    assert holding([resolved], Persistence()) == []


@pytest.fixture
def lasting(start: Start, baseline: mw.Baseline, traffic: Traffic) -> Running:
    """A collector of a model that drifted in two of its last three finished windows."""
    collector = start()
    collector.push(baseline)
    for back, shift in ((300, 30), (240, 30), (120, 0)):
        profile = traffic.profile(end_ns=GRID_NS - back * SECOND, shift=shift)
        assert collector.post(traffic.body(profile)).status_code == 200
    address = collector.version("/windows")
    assert eventually(lambda: len(plain_http.get(address).json()["windows"]) == 3)
    return collector


def test_api_names_what_persists(lasting: Running) -> None:
    """Both answers name the persistent features, as of the end of each window."""
    told = {"severity": "drift", "found": 2, "judged": 3}
    answer = plain_http.get(lasting.version("/drift"), params={"window": "15m"}).json()
    assert answer["persistence"] == {"k": 2, "m": 3}
    assert answer["persistent"] == {FEATURE: told}
    earlier = {"window": "60s", "end": str(GRID_NS // SECOND - 300)}
    assert plain_http.get(lasting.version("/drift"), params=earlier).json()["persistent"] == {}
    answer = plain_http.get(lasting.version("/windows")).json()
    assert answer["persistence"] == {"k": 2, "m": 3}
    assert [window["persistent"] for window in answer["windows"]] == [
        {},
        {FEATURE: {**told, "judged": 2}},
        {FEATURE: told},
    ]
    assert [window["verdict"] for window in answer["windows"]] == ["drift", "drift", "none"]
    (last,) = plain_http.get(lasting.version("/windows"), params={"limit": "1"}).json()["windows"]
    assert last["persistent"] == {FEATURE: told}


def test_page_tells_what_persists(lasting: Running) -> None:
    """The page says in how many windows a feature was found, and which hold."""
    text = plain_http.get(lasting.page(), params={"window": "15m"}).text
    assert "in 2 of the last 3 windows" in text
    assert "in 2 or more of the last 3 finished windows" in text


def test_k_and_m_can_be_chosen(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """With one of one window, what the last window found holds."""
    collector = start(persistence=Persistence(k=1, m=1))
    collector.push(baseline)
    collector.post(traffic.body(traffic.profile(end_ns=GRID_NS - 60 * SECOND, shift=30)))
    address = collector.version("/windows")
    assert eventually(lambda: len(plain_http.get(address).json()["windows"]) == 1)
    answer = plain_http.get(collector.version("/drift")).json()
    assert list(answer["persistent"]) == [FEATURE]
