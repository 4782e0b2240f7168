"""What becomes of predictions and labels, each told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.outcomes.protocols import LabelsKept, PredictionsKept
from modelwatch.collector.outcomes.records import PLAIN
from modelwatch.collector.outcomes.value_codes import MOST_VALUES
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.telemetry.sampled_ids import is_sampled
from modelwatch.telemetry.wire.outcomes import LabelRows, OutcomeValue, PredictionRows
from tests.collector.outcomes.outcome_traffic import (
    HOUR,
    MODEL,
    NOW_NS,
    SECOND,
    THIS_HOUR,
    fraud_baseline,
    labels,
    predictions,
)


async def test_what_the_sample_left_out_is_told_apart(store: SqliteStore) -> None:
    """A label waits where its prediction may still come, and not where it was not sampled."""
    ids = [f"id-{n}" for n in range(200)]
    assert await store.keep_labels([labels(ids[:50], ["no"] * 50)]) == LabelsKept(waiting=50)
    known = predictions(["x"], [0.3], sample_rate=0.25)
    await store.keep_predictions([known, replace(known, ids=["y"], sample_rate=0.1)])
    sampled = sum(is_sampled(name, 0.25) for name in ids[50:])
    found = await store.keep_labels([labels(ids[50:], ["no"] * 150)])
    assert found == LabelsKept(waiting=sampled, unsampled=150 - sampled)
    assert 0 < sampled < 150
    assert store.label_counts(MODEL).waiting == 50 + sampled


async def test_what_can_never_be_stored_is_refused_alone(store: SqliteStore) -> None:
    """The rest of the same request is kept, and what was refused is told by its reason."""
    ids = ["a", "", "\ud800", "b", "c", "d", "e", "f"]
    values: list[OutcomeValue] = [1, 1, 1, float("nan"), "x" * 2_000, 10**400, "yes", "\udfff"]
    found = await store.keep_labels([labels(ids, values, [NOW_NS] * 6 + [-1, NOW_NS])])
    assert found.waiting == 1
    assert found.refused == {
        "empty_id": 1, "encoding": 2, "not_finite": 1, "too_long": 1, "too_large": 1, "time": 1,
    }  # fmt: skip
    told = predictions(["a", "", "b", "\ud800"], [0.5] * 4, times_ns=[NOW_NS, NOW_NS, -1, NOW_NS])
    kept = await store.keep_predictions([told])
    assert kept == PredictionsKept(
        stored=1, joined=1, refused={"empty_id": 1, "time": 1, "encoding": 1}
    )
    large = PredictionRows(
        model=MODEL, version="1", ids=["g", "h"], times_ns=[NOW_NS] * 2,
        outputs={"text": ["x" * 100_000, "y"]},
    )  # fmt: skip
    kept = await store.keep_predictions([large])
    assert (kept.stored, kept.refused) == (1, {"too_large": 1})


async def test_labels_that_tell_no_time_became_known_now(store: SqliteStore) -> None:
    """Sent again they change nothing; another value corrects one that is older than now."""
    await store.keep_predictions([predictions(["a"], [0.9])])
    assert await store.keep_labels([labels(["a"], ["yes"], 0)]) == LabelsKept(joined=1)
    assert await store.keep_labels([labels(["a"], ["yes"], 0)]) == LabelsKept(duplicates=1)
    assert await store.keep_labels([labels(["a"], ["no"], 0)]) == LabelsKept(conflicting=1)
    later = NOW_NS + SECOND
    assert await store.keep_labels([labels(["a"], ["no"], later)]) == LabelsKept(corrected=1)
    assert await store.keep_labels([labels(["a"], [None], later + 1)]) == LabelsKept(taken_back=1)
    assert await store.keep_labels([labels(["a"], ["no"], later)]) == LabelsKept(outdated=1)
    assert store.outcomes(MODEL, "1", THIS_HOUR).labelled == 0


async def test_models_are_kept_apart(store: SqliteStore) -> None:
    """The same id of another model is another prediction."""
    await store.keep_predictions([predictions(["a"], [0.9])])
    other = LabelRows(model="other", ids=["a"], labels=["yes"], times_ns=[NOW_NS])
    assert await store.keep_labels([other]) == LabelsKept(waiting=1)
    both = [labels(["a"], ["yes"]), other, labels(["a"], ["yes"])]
    assert await store.keep_labels(both) == LabelsKept(joined=1, duplicates=2)


async def test_a_window_changes_when_its_rows_do(store: SqliteStore) -> None:
    """The number of a window grows with what comes of it, and with that alone."""
    before = TimeWindow(THIS_HOUR.start_ns - HOUR, THIS_HOUR.start_ns)
    assert store.outcomes_through(MODEL, "1", THIS_HOUR) == 0
    await store.keep_predictions([predictions(["a"], [0.9])])
    first = store.outcomes_through(MODEL, "1", THIS_HOUR)
    await store.keep_predictions([predictions(["b"], [0.9], times_ns=[NOW_NS - HOUR])])
    assert store.outcomes_through(MODEL, "1", THIS_HOUR) == first
    assert store.outcomes_through(MODEL, "1", before) > first
    await store.keep_labels([labels(["a"], ["yes"])])
    second = store.outcomes_through(MODEL, "1", THIS_HOUR)
    await store.keep_labels([labels(["a"], ["yes"])])
    await store.tidy()
    assert store.outcomes_through(MODEL, "1", THIS_HOUR) == second > first
    assert store.outcomes(MODEL, "1", THIS_HOUR).through == second


async def test_a_baseline_comes_after_the_labels(store: SqliteStore) -> None:
    """What was there before is summed up once there is a baseline to do it by."""
    ids = [f"{n}" for n in range(12_000)]
    scores = np.random.default_rng(1).random(len(ids)).tolist()
    truth = ["yes" if score > 0.3 else "no" for score in scores]
    await store.keep_predictions([predictions(ids, scores)])
    await store.keep_labels([labels(ids, truth)])
    found = store.outcomes(MODEL, "1", THIS_HOUR)
    assert (found.labelled, found.summaries) == (12_000, {})
    for baseline in (fraud_baseline("1", 0), fraud_baseline("1", 1)):
        await store.put_baseline(MODEL, "1", baseline.id, baseline.to_json())
        await store.tidy()
        expected = OutcomeSummary.empty(baseline)
        expected.update(
            JoinedRows(
                labels=truth,
                outputs={"class": ["yes" if one > 0.5 else "no" for one in scores],
                         "score": scores},
                predicted_ns=np.full(len(ids), NOW_NS),
                labelled_ns=np.full(len(ids), NOW_NS),
            )
        )  # fmt: skip
        found = store.outcomes(MODEL, "1", THIS_HOUR)
        told = found.summaries[""].labelled.to_dict()
        assert told["confusion"] == expected.labelled.to_dict()["confusion"]
        assert found.summaries[""].delays.counts.tolist() == expected.delays.counts.tolist()
    assert found.labelled_apart == 12_000
    untold = mw.Baseline.fit({"x": [1.0, 2.0]}, model=MODEL, version="1")
    await store.put_baseline(MODEL, "1", untold.id, untold.to_json())
    await store.tidy()
    assert await store.keep_labels([labels(["0"], [None], NOW_NS + 1)]) == LabelsKept(taken_back=1)
    assert store.outcomes(MODEL, "1", THIS_HOUR).summaries == {}


async def test_outputs_that_never_recur_are_kept_too(store: SqliteStore, tmp_path: Path) -> None:
    """Texts beyond the numbers that a version may have are written out, and joined all the same."""
    baseline = fraud_baseline()
    await store.put_baseline(MODEL, "1", baseline.id, baseline.to_json())
    await store.tidy()
    ids = [f"{n}" for n in range(MOST_VALUES + 500)]
    rows = predictions(ids, [0.9] * len(ids), segments=["DE"] * len(ids))
    text = {**rows.outputs, "text": [f"answer {name}" for name in ids]}
    await store.keep_predictions([replace(rows, outputs=text, features={"age": [30] * len(ids)})])
    layouts = store.database.read("SELECT DISTINCT layout FROM outcomes")
    assert layouts == [(PLAIN,)]
    await store.keep_predictions([predictions(["with", "number"], [0.9, 0.1])])
    await store.keep_labels([labels([*ids, "with", "number"], ["yes"] * (len(ids) + 2))])
    found = store.outcomes(MODEL, "1", THIS_HOUR)
    assert found.summaries["DE"].rows == len(ids)
    assert found.summaries[""].rows == len(ids) + 2
    await store.tidy()
    folded = store.outcomes(MODEL, "1", THIS_HOUR)
    assert folded.summaries[""].labelled.to_dict() == found.summaries[""].labelled.to_dict()
    store.close()
    assert check(tmp_path / "store.sqlite").problems == []


@pytest.mark.parametrize("values", [[True, False], [1, 0], [0.5, -2.5], ["a", "b"]])
async def test_labels_come_back_as_they_were_told(
    store: SqliteStore, values: list[bool | float | str]
) -> None:
    """The same value is a duplicate whatever its type; another one is not."""
    await store.keep_predictions([predictions(["a", "b"], [0.9, 0.1])])
    assert await store.keep_labels([labels(["a", "b"], values)]) == LabelsKept(joined=2)
    assert await store.keep_labels([labels(["a", "b"], values)]) == LabelsKept(duplicates=2)
    swapped = labels(["a", "b"], values[::-1], NOW_NS + 1)
    assert await store.keep_labels([swapped]) == LabelsKept(corrected=2)


async def test_damaged_rows_stop_nothing(
    store: SqliteStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is told, by a check too, and left out; the rest is summed up."""
    baseline = fraud_baseline()
    await store.put_baseline(MODEL, "1", baseline.id, baseline.to_json())
    await store.tidy()
    await store.keep_predictions([predictions(["a", "b", "c"], [0.9, 0.1, 0.2])])
    for name in ("a", "b"):
        await store.keep_labels([labels([name], ["yes"])])
    await store.database.write(
        lambda connection: connection.execute("UPDATE joined_rows SET content = x'00' WHERE"
                                              " number = 1").rowcount
    )  # fmt: skip
    assert any("joined_rows 1" in one for one in check(tmp_path / "store.sqlite").problems)
    assert store.outcomes(MODEL, "1", THIS_HOUR).summaries[""].rows == 1
    await store.tidy()
    assert "joined rows are left out" in caplog.text
    assert store.outcomes(MODEL, "1", THIS_HOUR).summaries[""].rows == 1
    await store.database.write(
        lambda connection: connection.execute("UPDATE outcome_summaries SET content = x'00'")
        .rowcount
    )  # fmt: skip
    assert any("outcome_summaries" in one for one in check(tmp_path / "store.sqlite").problems)
    await store.keep_labels([labels(["c"], ["no"])])
    await store.tidy()
    assert "a summary of labels that ends at" in caplog.text
    assert store.outcomes(MODEL, "1", THIS_HOUR).summaries[""].rows == 1
    assert check(tmp_path / "store.sqlite").problems == []
