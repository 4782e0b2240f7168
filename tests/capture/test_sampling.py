from __future__ import annotations

import zlib
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.capture.prediction import Prediction
from modelwatch.capture.sampling import RowBudget, is_sampled
from modelwatch.errors import ConfigurationError, OutlierRejected
from tests.watched import MakeWatch, Watched


def test_the_sample_is_the_same_everywhere() -> None:
    """Whether a prediction is sampled follows from its id alone, in every process."""
    assert [is_sampled(f"id-{i}", 0.5) for i in range(6)] == [
        is_sampled(f"id-{i}", 0.5) for i in range(6)
    ]
    assert is_sampled("123456789", 0xCBF43926 / 2**32) is False
    assert is_sampled("123456789", 0xCBF43927 / 2**32) is True


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_the_sample_has_the_rate_asked_for(rate: float) -> None:
    """Of many predictions the share that was asked for is taken, within four deviations."""
    size = 20_000
    taken = sum(is_sampled(Prediction().id, rate) for _ in range(size))
    assert abs(taken / size - rate) < 4 * (rate * (1 - rate) / size) ** 0.5


def test_a_smaller_sample_is_part_of_a_larger() -> None:
    """Two services at different rates sample the same predictions as far as they can."""
    ids = [Prediction().id for _ in range(1_000)]
    assert all(is_sampled(found, 0.5) for found in ids if is_sampled(found, 0.2))


def test_a_budget_is_kept() -> None:
    """No more rows are taken than the rate gives, beyond one second's worth at once."""
    now = [0.0]
    budget = RowBudget(10.0, clock=lambda: now[0])
    taken = 0
    for step in range(1_000):
        now[0] = step / 100
        taken += budget.take()
    assert 100 <= taken <= 110


def test_a_large_batch_is_paid_back() -> None:
    """A batch beyond the budget is taken whole, and later rows wait until it is paid back."""
    now = [0.0]
    budget = RowBudget(10.0, clock=lambda: now[0])
    assert budget.take(100)
    now[0] = 8.9
    assert not budget.take()
    now[0] = 9.2
    assert budget.take()


def test_calls_are_counted_sampled_or_not(make_watch: MakeWatch, row: dict[str, Any]) -> None:
    """Rows are sampled; calls, errors and latency are counted for all."""
    watched = make_watch()

    @watched.watch(sample_rate=0.0)
    def predict(features: dict[str, Any]) -> float:
        return float(1 / features["count"])

    for count in (1, 2, 3):
        predict(row | {"count": count})
    with pytest.raises(ZeroDivisionError):
        predict(row | {"count": 0})
    profile = watched.profile()
    assert profile.rows == 0
    assert profile.predictions == {"": 3, "ZeroDivisionError": 1}
    assert profile.duration.total == 4
    assert profile.dropped == {"not_sampled": 4}


def test_rows_beyond_the_budget_are_dropped_and_counted(
    make_watch: MakeWatch, row: dict[str, Any]
) -> None:
    """max_rows_per_second bounds the rows, and says how many it left out."""
    watched = make_watch()

    @watched.watch(max_rows_per_second=1e-3)
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    for _ in range(5):
        predict(row)
    profile = watched.profile()
    assert (profile.rows, profile.dropped) == (1, {"rate_limited": 4})
    assert profile.predictions == {"": 5}


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 1.1},
        {"sample_rate": -0.1},
        {"sample_rate": "all"},
        {"sample_rate": True},
        {"max_rows_per_second": 0},
        {"max_rows_per_second": float("inf")},
        {"on_outlier": "explode"},
        {"inputs": 3},
    ],
)
def test_wrong_options_are_refused(watched: Watched, options: dict[str, Any]) -> None:
    """An option that cannot work is named with its value when the function is decorated."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        watched.watch(**options)(lambda features: 0.5)


def test_outliers_are_refused_sampled_or_not(make_watch: MakeWatch, row: dict[str, Any]) -> None:
    """Sampling decides what is captured, not which inputs are refused."""
    watched = make_watch()

    @watched.watch(sample_rate=0.0, on_outlier="raise")
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    assert predict(row) == 0.5
    with pytest.raises(OutlierRejected):
        predict(row | {"amount": 1e9})
    profile = watched.profile()
    assert (profile.rows, profile.dropped) == (0, {"not_sampled": 2})
    assert profile.predictions == {"": 1, "OutlierRejected": 1}


def test_a_random_uuid_is_its_own_draw() -> None:
    """Of an id that is random already, its last 32 bits decide, whatever the rest of it is."""
    low, high = "019234ab-0000-7abc-8def-0123" + "00000000", "019234ab-0000-4abc-8def-0123ffffffff"
    assert is_sampled(low, 1e-9)
    assert not is_sampled(high, 0.999)
    version_1 = low.replace("7abc", "1abc")
    assert is_sampled(version_1, 0.5) is (zlib.crc32(version_1.encode()) < 2**31)


def test_an_id_tells_whether_its_call_was_sampled(
    make_watch: MakeWatch, row: dict[str, Any]
) -> None:
    """An id that is asked for inside a call agrees with the draw that was made before it."""
    watched = make_watch()
    ids: list[str] = []

    @watched.watch(sample_rate=0.3)
    def predict(features: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return 0.5

    for number in range(400):
        predict(row if number % 3 else row | {"amount": 1e9})
    profile = watched.profile()
    assert 0 < profile.rows < 400
    assert profile.rows == sum(is_sampled(found, 0.3) for found in ids)
    assert profile.dropped["not_sampled"] == 400 - profile.rows
    assert +profile.predictions == {"": 400}
    assert len(set(ids)) == 400


def test_calls_left_out_are_counted_beyond_what_waits(
    make_watch: MakeWatch, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more calls wait to be counted than memory is given to, they are counted at once."""
    monkeypatch.setattr("modelwatch.capture.calls.MOST_UNCOUNTED", 10)
    watched = make_watch()

    @watched.watch(sample_rate=0.0)
    def predict(features: dict[str, Any]) -> float:
        if not features:
            raise ValueError
        return 0.5

    for _ in range(50):
        predict(row)
    with pytest.raises(ValueError, match=r"^$"):
        predict({})
    assert len(watched.watch.recorder.tally.unsampled) <= 10
    profile = watched.profile()
    assert profile.predictions == {"": 50, "ValueError": 1}
    assert profile.duration.total == 51
