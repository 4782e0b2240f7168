from __future__ import annotations

from typing import Any

import pytest

from modelwatch.collector.receiving.admission import Admission
from modelwatch.collector.receiving.clocks import ClockRules
from modelwatch.collector.receiving.limits import IngestLimits
from modelwatch.collector.receiving.outcome_admission import OutcomeAdmission
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows
from tests.collector.conftest import NOW_NS, SECOND

LATE_NS = NOW_NS + 61 * SECOND


def admission(**limits: int) -> OutcomeAdmission:
    """Return what holds to limits, at a time that stands still."""
    rules = ClockRules(future_seconds=60)
    return OutcomeAdmission(Admission(IngestLimits(**limits), rules, clock=lambda: NOW_NS))


def predictions(
    *times_ns: int, model: str = "m", version: str = "1", **columns: Any
) -> PredictionRows:
    """Return predictions of one output."""
    ids = [f"id-{place}" for place in range(len(times_ns))]
    outputs = {"score": [place / 10 for place in range(len(times_ns))]}
    told = {"outputs": outputs, **columns}
    return PredictionRows(model=model, version=version, ids=ids, times_ns=times_ns, **told)


def labels(*times_ns: int, model: str = "m") -> LabelRows:
    """Return labels of predictions."""
    ids = [f"id-{place}" for place in range(len(times_ns))]
    return LabelRows(model=model, ids=ids, labels=[True] * len(ids), times_ns=times_ns)


def test_what_is_within_the_limits_is_taken_as_it_is() -> None:
    """Nothing is copied or changed."""
    told, others = predictions(NOW_NS, NOW_NS + 60 * SECOND), labels(0, NOW_NS)
    taking = admission()
    assert taking.predictions([told]) == ([told], {})
    assert taking.labels([others]) == ([others], {})
    assert taking.predictions([told])[0][0] is told


def test_rows_of_the_future_are_left_out() -> None:
    """The other rows of the batch are taken, with all that belongs to them."""
    told = predictions(
        NOW_NS, LATE_NS, 1, segments=["a", "b", "c"], features={"age": [30, None, 40]}
    )
    (taken,), refused = admission().predictions([told])
    assert refused == {"future": 1}
    assert taken == PredictionRows(
        model="m",
        version="1",
        ids=["id-0", "id-2"],
        times_ns=[NOW_NS, 1],
        outputs={"score": [0.0, 0.2]},
        segments=["a", "c"],
        features={"age": [30, 40]},
    )
    (kept,), refused = admission().labels([labels(LATE_NS, 0)])
    assert (kept.ids, kept.times_ns, refused) == (["id-1"], [0], {"future": 1})
    assert admission().labels([labels(LATE_NS)]) == ([], {"future": 1})


@pytest.mark.parametrize("kind", ["models", "versions"])
def test_a_name_too_many_refuses_its_rows(kind: str) -> None:
    """The rows of the names that have a place are taken, and the reason names the limit."""
    taking = admission(**{kind: 1})
    other = {"models": {"model": "n"}, "versions": {"version": "2"}}[kind]
    taken, refused = taking.predictions([predictions(1, 2), predictions(1, 2, 3, **other)])
    assert ([len(one.ids) for one in taken], refused) == ([2], {kind: 3})
    assert f"limit of 1 {kind}" in taking.reason(kind)
    assert "[limits]" in taking.reason(kind)


def test_labels_alone_take_a_place_of_models() -> None:
    """A model that only labels name counts as one, so that the store stays bounded."""
    taking = admission(models=2)
    taken, refused = taking.labels([labels(1, model=name) for name in "abcb"])
    assert ([one.model for one in taken], refused) == (["a", "b", "b"], {"models": 1})
    assert not taking.takes_model("c")


def test_a_segment_too_many_leaves_the_row() -> None:
    """It counts among all rows, as one of no segment; so does one that has none."""
    told = predictions(1, 2, 3, 4, segments=["eu", "", "us", "eu"])
    (taken,), refused = admission(segments=1).predictions([told])
    kept = [name for name in taken.segments or () if name]
    assert refused["segments"] in (1, 2)
    assert len(set(kept)) == 1
    assert len(taken.ids) == 4


def test_columns_too_many_are_left_out() -> None:
    """Outputs and inputs take places of features."""
    told = predictions(1, 2, outputs={"a": [1, 2], "b": [3, 4]}, features={"c": [5, 6]})
    (taken,), refused = admission(features=2).predictions([told])
    assert (taken.outputs, taken.features) == ({"a": [1, 2], "b": [3, 4]}, {})
    assert refused == {"features": 2}
