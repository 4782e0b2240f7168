"""All numeric inputs together, end to end."""

from __future__ import annotations

import json

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.report.drift_report import DriftReport

FEATURES = 6
Table = dict[str, np.ndarray]


def rows(seed: int, count: int, *, correlation: float = 0.5, shift: float = 0.0) -> Table:
    """Return correlated normal features; the first two have a correlation of their own."""
    rng = np.random.default_rng(seed)
    matrix = np.full((FEATURES, FEATURES), 0.5) + 0.5 * np.eye(FEATURES)
    matrix[0, 1] = matrix[1, 0] = correlation
    values = rng.multivariate_normal(np.full(FEATURES, shift), matrix, count)
    return {f"x{i}": values[:, i] for i in range(FEATURES)}


@pytest.fixture(scope="module")
def joint() -> mw.Baseline:
    """A baseline of six features."""
    return mw.Baseline.fit(rows(0, 20_000), model="m", version="1")


def test_undrifted_rows_are_judged_and_found_alike(joint: mw.Baseline) -> None:
    """Every statistic has a value and a p-value, and none is called drift."""
    report = mw.compare(joint, rows(1, 2_000))
    assert set(report.multivariate) == {"correlation", "mean", "reconstruction"}
    for found in report.multivariate.values():
        assert found.severity == "none"
        assert found.p_value is not None
        assert found.p_value > 0.001
        assert found.rows == 2_000


def test_a_lost_correlation_is_found_though_no_feature_moved(joint: mw.Baseline) -> None:
    """Each feature on its own is as it was."""
    report = mw.compare(joint, rows(2, 2_000, correlation=0.0))
    found = report.multivariate["correlation"]
    assert found.severity == "drift"
    assert found.features == ("x0", "x1")
    assert found.diagnosis is not None
    assert found.diagnosis.startswith("correlation of x0 and x1 went from 0.50 to 0.0")
    assert report.multivariate["mean"].severity == "none"
    assert report.severity == "none"


def test_a_small_shift_of_all_features_is_found_together(joint: mw.Baseline) -> None:
    """Against the correlations, half a deviation together is far; a tenth is no warning."""
    moved = rows(3, 2_000)
    moved["x0"] = moved["x0"] + 0.3
    assert mw.compare(joint, moved).multivariate["mean"].severity == "warning"
    slightly = {name: values + 0.02 for name, values in rows(3, 2_000).items()}
    assert mw.compare(joint, slightly).multivariate["mean"].severity == "none"


def test_reconstruction_equals_the_row_wise_error(joint: mw.Baseline) -> None:
    """The mean squared error of rows rebuilt from the leading components, on the raw rows."""
    before, now = rows(0, 20_000), rows(4, 1_000, correlation=0.0)
    x = np.column_stack(list(before.values()))
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.corrcoef(x.T))
    leading = np.cumsum(values[::-1]) / values.sum()
    components = vectors[:, ::-1][:, : int(np.searchsorted(leading, 0.65)) + 1]
    current = (np.column_stack(list(now.values())) - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    rest = current - current @ components @ components.T
    assert z.shape == x.shape
    found = mw.compare(joint, now).multivariate["reconstruction"].value
    assert found == pytest.approx((rest**2).sum(axis=1).mean(), abs=1e-10)


def test_profiles_tell_what_rows_tell(joint: mw.Baseline) -> None:
    """Merged profiles, and a baseline that was saved and loaded, give the same findings."""
    table = rows(5, 2_000, correlation=0.2)
    halves = [
        {name: part[half] for name, part in table.items()}
        for half in (slice(900), slice(900, None))
    ]
    first, second = (mw.Profile.from_data(half, baseline=joint) for half in halves)
    merged = mw.Profile.from_json(first.merge(second).to_json())
    whole = mw.compare(mw.Baseline.from_json(joint.to_json()), table).multivariate
    for name, found in mw.compare(joint, merged).multivariate.items():
        assert found.value == pytest.approx(whole[name].value, rel=1e-9)
        assert found.p_value == pytest.approx(whole[name].p_value, rel=1e-6, abs=1e-12)


def test_too_few_complete_rows_are_said(joint: mw.Baseline) -> None:
    """Rows with a gap tell nothing of features together; nothing is judged, and no error."""
    table = rows(6, 300)
    table["x3"] = np.full(300, np.nan)
    for found in mw.compare(joint, table).multivariate.values():
        assert found.severity == "insufficient_data"
        assert found.rows == 0


def test_a_baseline_of_one_number_has_no_joint_findings() -> None:
    """Nothing is together with nothing."""
    fitted = mw.Baseline.fit({"x": np.arange(500.0) % 97}, model="m", version="1")
    assert mw.compare(fitted, {"x": np.arange(200.0) % 97}).multivariate == {}


def test_clustered_rows_are_not_called_drift() -> None:
    """A level that lasts for 200 rows makes windows differ; the baseline's own blocks tell it."""

    def stream(seed: int, count: int) -> Table:
        rng = np.random.default_rng(seed)
        levels = np.repeat(rng.normal(size=(count // 200, 4)), 200, axis=0)
        return {f"x{i}": levels[:, i] + rng.normal(size=len(levels)) for i in range(4)}

    fitted = mw.Baseline.fit(stream(0, 40_000), model="m", version="1")
    found = [
        part.severity
        for seed in range(1, 30)
        for part in mw.compare(fitted, stream(seed, 1_000)).multivariate.values()
    ]
    assert found.count("drift") == 0
    assert found.count("warning") <= 2


def test_findings_survive_the_document(joint: mw.Baseline) -> None:
    """A report through JSON is the same report."""
    report = mw.compare(joint, rows(7, 500, correlation=0.0))
    assert DriftReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
