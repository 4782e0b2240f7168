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


def test_the_very_same_rows_have_only_finite_numbers(joint: mw.Baseline) -> None:
    """Nothing moved: distances are zero, and no number of a finding is NaN or infinite."""
    report = mw.compare(joint, rows(0, 20_000))
    assert report.multivariate["mean"].lower == 0.0
    for found in report.multivariate.values():
        numbers = (found.value, found.p_value, found.lower, found.upper)
        assert all(number is None or np.isfinite(number) for number in numbers)
        assert found.severity == "none"


def with_sentinels(seed: int, count: int) -> Table:
    """Return exponential features, three of which have a value of 1e4 in .05% of the rows."""
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=(count, 8))
    values[:, :3][rng.random((count, 3)) < 5e-4] = 1e4
    return {f"x{i}": values[:, i] for i in range(8)}


def test_features_with_tails_too_heavy_are_left_out_and_named() -> None:
    """Rare sentinels make no drift of all together, and what the others do is still found."""
    fitted = mw.Baseline.fit(with_sentinels(0, 20_000), model="m", version="1")
    for seed in range(1, 15):
        for found in mw.compare(fitted, with_sentinels(seed, 500)).multivariate.values():
            assert found.severity in ("none", "insufficient_data"), found
            assert found.diagnosis is not None
            assert found.diagnosis.endswith("left out, with tails too heavy: x0, x1, x2")
    moved = with_sentinels(1, 500)
    moved["x5"] = moved["x5"] + 0.7
    mean = mw.compare(mw.Baseline.from_json(fitted.to_json()), moved).multivariate["mean"]
    assert (mean.severity, mean.features) == ("drift", ("x5",))


def test_a_sentinel_that_the_baseline_never_held_is_not_judged_together() -> None:
    """One row of 500 moves mean and variance; that feature is told by its own, with the reason."""
    rng = np.random.default_rng(9)
    before, now = rng.exponential(size=(5_000, 4)), rng.exponential(size=(500, 4))
    now[7, 2] = 1e4
    tables = [{f"x{i}": part[:, i] for i in range(4)} for part in (before, now)]
    fitted = mw.Baseline.fit(tables[0], model="m", version="1")
    report = mw.compare(fitted, tables[1])
    for name in ("mean", "reconstruction"):
        found = report.multivariate[name]
        assert (found.severity, found.p_value) == ("insufficient_data", None)
        assert found.diagnosis is not None
        assert found.diagnosis.endswith("as a few extreme rows can make it: x2")
    assert report.multivariate["correlation"].severity == "none"


def test_too_few_blocks_for_many_features_are_said() -> None:
    """Thirty features that each wander slowly: no drift of the mean, and the reason."""
    rng = np.random.default_rng(10)
    walk = np.empty((7_000, 30))
    walk[0] = rng.normal(size=30)
    for at, noise in enumerate(rng.normal(size=(6_999, 30)) * np.sqrt(1 - 0.99**2), start=1):
        walk[at] = 0.99 * walk[at - 1] + noise
    stream = {f"x{i}": walk[:, i] for i in range(30)}
    fitted = mw.Baseline.fit(
        {name: values[:5_000] for name, values in stream.items()}, model="m", version="1"
    )
    for start in range(5_000, 7_000, 500):
        window = {name: values[start : start + 500] for name, values in stream.items()}
        mean = mw.compare(fitted, window).multivariate["mean"]
        assert mean.severity == "insufficient_data"
        assert mean.diagnosis is not None
        assert "independent ones: for 30 features together 90 are needed" in mean.diagnosis
