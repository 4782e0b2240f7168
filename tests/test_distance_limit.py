from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

import modelwatch as mw
from modelwatch.distance_limit import RIDGE, DistanceLimit
from modelwatch.errors import DataError
from modelwatch.sketches import JointMoments
from tests.watched import FakeTransport, Watched

SIZE = 5_000


def correlated(seed: int) -> dict[str, Any]:
    """Two features that go together, one that does not, and a text."""
    random = np.random.default_rng(seed)
    x = random.normal(50.0, 10.0, SIZE)
    return {
        "x": x,
        "y": 2.0 * x + random.normal(0.0, 1.0, SIZE),
        "z": random.exponential(1.0, SIZE),
        "city": random.choice(["Bergen", "Lisbon"], SIZE).tolist(),
    }


@pytest.fixture(scope="module")
def baseline() -> mw.Baseline:
    """A baseline with a limit of distance."""
    return mw.Baseline.fit(correlated(1), model="m", version="1", outlier_distance=True)


def test_squares_are_those_of_scipy() -> None:
    """Squared distances are those of scipy, of the covariance with its ridge."""
    random = np.random.default_rng(2)
    rows = random.multivariate_normal([1e6, 0.0, 5.0], np.diag([4.0, 1e-6, 9.0]) + 1e-7, 500)
    joint = JointMoments(["a", "b", "c"], rows.mean(axis=0))
    joint.update(rows)
    covariance = np.cov(rows.T)
    covariance[np.diag_indices(3)] *= 1.0 + RIDGE
    inverse = np.linalg.inv(covariance)
    limit = DistanceLimit.of(joint, 1.0)
    expected = [mahalanobis(row, rows.mean(axis=0), inverse) ** 2 for row in rows]
    assert limit.squares(rows) == pytest.approx(expected, rel=1e-6)
    single = [limit.outlier(row) is not None for row in rows.tolist()]
    assert single == limit.outliers(rows)[0].tolist() == (np.array(expected) > 1.0).tolist()


def test_values_that_do_not_go_together_are_an_outlier(baseline: mw.Baseline) -> None:
    """A row whose values are each usual, but not together, is told with the feature to blame."""
    watched = watch_of(baseline)

    @watched.watch
    def predict(features: dict[str, Any]) -> dict[str, str]:
        prediction = mw.current_prediction()
        assert prediction is not None
        return dict(prediction.outliers)

    usual = {"x": 50.0, "y": 100.0, "z": 1.0, "city": "Bergen"}
    assert predict(usual) == predict(usual) == {}
    assert predict(usual | {"x": 40.0}) in ({"x": "distance"}, {"y": "distance"})
    assert predict(usual | {"x": 1e9}) == {"x": "range"}
    assert predict(usual | {"city": "Rome"}) == {"city": "unseen_category"}
    profile = watched.profile()
    assert profile.outlier_rows == 3
    assert sum(f.outliers["distance"] for f in profile.features.values()) == 1


def test_few_rows_of_the_same_kind_are_outliers(baseline: mw.Baseline) -> None:
    """The limit leaves out few rows like those that it was fitted on, and counts both alike."""
    assert baseline.distance_limit is not None
    assert baseline.profile.outlier_rate is not None
    assert baseline.profile.outlier_rate < 0.01
    current = mw.Profile.from_data(correlated(3), baseline=baseline)
    assert current.outlier_rate is not None
    assert current.outlier_rate < 0.01


def test_broken_dependence_raises_the_outlier_rate(baseline: mw.Baseline) -> None:
    """Where two features no longer go together, most rows are outliers, and the report says so."""
    broken = correlated(4)
    broken["y"] = np.random.default_rng(5).permutation(broken["y"])
    report = mw.compare(baseline, broken)
    assert report.outlier_rate is not None
    assert report.outlier_rate > 0.5
    assert report.baseline_outlier_rate == baseline.profile.outlier_rate
    assert mw.DriftReport.from_dict(report.to_dict()) == report


def test_the_limit_is_kept_in_the_document(baseline: mw.Baseline) -> None:
    """A baseline that is read again has the same limit and the same id."""
    again = mw.Baseline.from_json(baseline.to_json())
    assert (again.distance_limit, again.id) == (baseline.distance_limit, baseline.id)
    assert again.profile.outlier_rows == baseline.profile.outlier_rows


def test_one_number_has_no_distance() -> None:
    """A limit of distance takes two numeric inputs; the error says so."""
    with pytest.raises(DataError, match="two numeric inputs"):
        mw.Baseline.fit(
            {"x": np.arange(100.0), "s": ["a", "b"] * 50},
            model="m",
            version="1",
            outlier_distance=True,
        )


def test_numbers_many_deviations_away_are_outliers() -> None:
    """The rule of deviations is narrower than the fences, and is told by its own name."""
    data = {"x": np.random.default_rng(6).normal(0.0, 1.0, 20_000)}
    baseline = mw.Baseline.fit(data, model="m", version="1", outlier_z_score=4.0)
    limits = mw.Baseline.from_json(baseline.to_json()).features["x"].limits
    deviation = float(np.std(data["x"], ddof=1))
    mean = float(np.mean(data["x"]))
    assert limits.z_upper == pytest.approx(mean + 4.0 * deviation, rel=1e-9)
    assert limits.z_lower == pytest.approx(mean - 4.0 * deviation, rel=1e-9)
    watched = watch_of(baseline)

    @watched.watch
    def predict(features: dict[str, Any]) -> dict[str, str]:
        prediction = mw.current_prediction()
        assert prediction is not None
        return dict(prediction.outliers)

    values = [0.0, 3.9, 5.0, -5.0, 100.0]
    rules = [predict({"x": value}).get("x") for value in values]
    assert rules == [None, None, "z_score", "z_score", "range"]
    profile = watched.profile()
    assert profile.features["x"].outliers == {"z_score": 2, "range": 1}
    assert profile.outlier_rows == 3


@pytest.mark.parametrize("given", [0.5, float("nan"), "4", True])
def test_other_limits_are_refused(given: Any) -> None:
    """A limit of less than one deviation, or of another type, is an error that names it."""
    with pytest.raises(mw.errors.ConfigurationError, match="outlier_z_score"):
        mw.Baseline.fit({"x": [1.0, 2.0]}, model="m", version="1", outlier_z_score=given)


def watch_of(baseline: mw.Baseline) -> Watched:
    """Return a watch that sends nowhere."""
    transport = FakeTransport()
    watch = mw.Watch(
        "m", version="1", baseline=baseline, transport=transport, export_interval_seconds=3_600.0
    )
    return Watched(watch, transport)
