from __future__ import annotations

from typing import Any

import modelwatch as mw
from modelwatch.telemetry.steering import FeatureLimits, Steering
from tests.watched import MakeWatch, Watched

Row = dict[str, Any]


def score(features: Row) -> float:
    """Return a score."""
    return 0.5


def test_capturing_is_switched_off_and_on(watched: Watched, row: Row) -> None:
    """Nothing is captured while a collector says so, and what was captured before is still sent."""
    predict = watched.watch(score)
    predict(row)
    watched.watch.recorder.steer(Steering(enabled=False))
    assert [predict(row) for _ in range(3)] == [0.5] * 3
    assert mw.current_prediction() is None
    watched.watch.recorder.steer(Steering())
    predict(row)
    profile = watched.profile()
    assert (profile.rows, profile.predictions) == (2, {"": 2})


def test_a_watch_that_is_switched_off_still_sends_at_its_end(watched: Watched, row: Row) -> None:
    """What was captured before it was switched off is delivered by a shutdown."""
    watched.watch(score)(row)
    watched.watch.recorder.steer(Steering(enabled=False))
    assert watched.watch.shutdown(timeout_seconds=10.0)
    assert sum(profile.rows for profile in watched.transport.profiles()) == 1


def test_the_sample_rate_is_steered(make_watch: MakeWatch, row: Row) -> None:
    """A collector's rate goes before the code's, for functions watched before it and after."""
    watched = make_watch()
    early = watched.watch(sample_rate=1.0)(score)
    early(row)
    watched.watch.recorder.steer(Steering(sample_rate=0.0))
    late = watched.watch(score)
    for predict in (early, late):
        for _ in range(50):
            predict(row)
    watched.watch.recorder.steer(Steering())
    early(row)
    profile = watched.profile()
    assert (profile.rows, +profile.predictions) == (2, {"": 102})
    assert profile.dropped == {"not_sampled": 100}


def test_the_budget_is_steered(watched: Watched, row: Row) -> None:
    """No more rows a second are captured than a collector allows."""
    predict = watched.watch(score)
    predict(row)
    watched.watch.recorder.steer(Steering(max_rows_per_second=1.0))
    for _ in range(20):
        predict(row)
    profile = watched.profile()
    assert profile.predictions == {"": 21}
    assert profile.rows + profile.dropped["rate_limited"] == 21
    assert profile.dropped["rate_limited"] >= 15


def test_limits_are_steered_inline_and_in_what_is_counted(watched: Watched, row: Row) -> None:
    """A collector's limits decide what an outlier is, before the prediction and in the profile."""

    @watched.watch
    def predict(features: Row) -> dict[str, str]:
        prediction = mw.current_prediction()
        assert prediction is not None
        return dict(prediction.outliers)

    assert predict(row) == predict(row) == {}
    limits = {"amount": FeatureLimits(upper=50.0), "count": FeatureLimits(lower=-1e9)}
    watched.watch.recorder.steer(Steering(outlier_limits=limits))
    assert predict(row) == {"amount": "range"}
    assert predict(row | {"amount": 40.0, "count": -500}) == {}
    watched.watch.recorder.steer(Steering())
    assert predict(row) == {}
    assert watched.watch.baseline is not None
    before, steered, after = watched.watch.recorder.folder.cut(watched.watch.recorder.last_plan)
    assert [profile.rows for profile in (before, steered, after)] == [2, 2, 1]
    assert [profile.outlier_rows for profile in (before, steered, after)] == [0, 1, 0]
    assert steered.features["amount"].outliers == {"range": 1}
