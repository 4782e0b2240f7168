from __future__ import annotations

from typing import Any

import modelwatch as mw
from tests.watched import Watched


def test_a_call_is_captured_when_its_result_is_known(watched: Watched, row: dict[str, Any]) -> None:
    """Inputs that were observed are captured with the result that is told later."""
    call = watched.watch.observe(row)
    call.finish(0.25)
    profile = watched.profile()
    assert profile.rows == 1
    assert profile.predictions == {"": 1}
    assert profile.features["score"].observed == 1


def test_outliers_are_known_before_the_result(watched: Watched, row: dict[str, Any]) -> None:
    """The outliers among the inputs are told while the model still works."""
    assert watched.watch.observe({**row, "amount": 1e9}).prediction.outliers == {"amount": "range"}


def test_a_scope_is_claimed(watched: Watched, row: dict[str, Any]) -> None:
    """Inside of a scope its prediction is the call's, and both tell of one id."""
    with mw.prediction_scope("mine") as prediction:
        call = watched.watch.observe({**row, "city": "Atlantis"})
        call.finish(0.5)
    assert call.prediction is prediction
    assert prediction.outliers == {"city": "unseen_category"}


def test_a_failure_is_counted_by_its_name_once(watched: Watched, row: dict[str, Any]) -> None:
    """A call that failed is counted under what went wrong; what is told afterwards is ignored."""
    call = watched.watch.observe(row)
    call.fail("TimeoutError")
    call.finish(0.5)
    profile = watched.profile()
    assert +profile.predictions == {"TimeoutError": 1}
    assert profile.features["amount"].observed == 1


def test_inputs_that_cannot_be_read_change_nothing(watched: Watched) -> None:
    """Inputs of no use are counted as dropped; the call itself is counted."""
    watched.watch.observe(object()).finish(0.5)
    profile = watched.profile()
    assert profile.predictions == {"": 1}
    assert profile.dropped == {"unreadable": 1}


def test_a_prediction_of_which_no_row_is_taken_is_counted(watched: Watched) -> None:
    """What is left out of a sample is counted with its duration, and as not sampled."""
    watched.watch.count(0.002)
    watched.watch.count(0.001, "ValueError")
    profile = watched.profile()
    assert profile.predictions == {"": 1, "ValueError": 1}
    assert profile.dropped == {"not_sampled": 1}
    assert profile.duration.total == 2


def test_nothing_is_captured_after_the_end(watched: Watched, row: dict[str, Any]) -> None:
    """A watch that was shut down takes no further calls, and refuses none."""
    watched.watch.shutdown(timeout_seconds=1.0)
    watched.watch.observe(row).finish(0.5)
    watched.watch.count(0.001)
    assert not watched.transport.profiles()


def test_calls_inside_an_observed_prediction_are_part_of_it(
    watched: Watched, row: dict[str, Any]
) -> None:
    """What an adapter observes and calls under the same watch is one prediction, until it ends."""

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    with mw.prediction_scope():
        call = watched.watch.observe(row)
        predict(row)
        predict(row)
        call.finish(0.5)
        predict(row)
    profile = watched.profile()
    assert (profile.rows, +profile.predictions) == (2, {"": 2})
