from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

import modelwatch as mw
from modelwatch.errors import ProfileMismatch
from modelwatch.fitting.live import baseline_of_profile, discovered_baseline

FEATURES = 6
PAIRS = 60


def stream(random: np.random.Generator, rows: int, coefficient: float) -> np.ndarray:
    """Return rows of independent features, each an autoregression of variance 1."""
    noise = random.normal(size=(rows + 200, FEATURES))
    scale = np.sqrt(1 - coefficient**2)
    return np.asarray(lfilter([scale], [1, -coefficient], noise, axis=0)[200:])


def table(rows: np.ndarray) -> dict[str, object]:
    """Return numbers, and a category made of the first of them."""
    columns: dict[str, object] = {f"x{i}": rows[:, i] for i in range(FEATURES)}
    columns["c"] = np.array(["a", "b", "c"])[np.digitize(rows[:, 0], [-0.5, 0.5])].tolist()
    return columns


@pytest.mark.parametrize(
    ("coefficient", "rows", "least_found"), [(0.0, 500, 0.95), (0.9, 2_000, 0.9)]
)
def test_false_alarms_of_two_live_windows(
    coefficient: float, rows: int, least_found: float
) -> None:
    """Undrifted pairs of windows keep to the level, dependent rows too, and a shift is found."""
    random = np.random.default_rng(7)
    like = mw.Baseline.fit(table(stream(random, 20_000, coefficient)), model="m", version="1")
    p_values: list[float] = []
    drifted = found = 0
    for _ in range(PAIRS):
        both = stream(random, 2 * rows + 300, coefficient)
        before = mw.Profile.from_data(table(both[:rows]), baseline=like)
        reference = baseline_of_profile(before, like)
        now = both[-rows:]
        report = mw.compare(reference, mw.Profile.from_data(table(now), baseline=like))
        p_values += [f.p_value for f in report.features.values() if f.p_value is not None]
        drifted += report.drifted
        now[:, 3] += 1.0
        moved = mw.compare(reference, mw.Profile.from_data(table(now), baseline=like))
        found += moved.features["x3"].severity in ("warning", "drift")
    assert len(p_values) == PAIRS * (FEATURES + 1)
    assert np.mean(np.array(p_values) < 0.05) < 0.09
    assert np.mean(np.array(p_values) < 0.01) < 0.03
    assert drifted == 0
    assert found >= least_found * PAIRS


def test_without_a_baseline_both_are_on_the_same_buckets() -> None:
    """Windows that no baseline was known for are compared exactly, on bounds of their buckets."""
    random = np.random.default_rng(3)
    p_values, found = [], 0
    for _ in range(PAIRS):
        before, now, moved = (mw.Profile.empty("m", "1") for _ in range(3))
        before.update({"x": random.normal(size=600), "c": list(random.choice(["a", "b"], 600))})
        rows = random.normal(size=600)
        now.update({"x": rows, "c": list(random.choice(["a", "b"], 600))})
        moved.update({"x": rows - 0.8, "c": ["a"] * 600})
        reference = discovered_baseline(before, alongside=now)
        report = mw.compare(reference, now)
        p_values += [f.p_value for f in report.features.values() if f.p_value is not None]
        found += mw.compare(discovered_baseline(before, alongside=moved), moved).drifted
    assert np.mean(np.array(p_values) < 0.05) < 0.11
    assert min(p_values) > 1e-5
    assert found == PAIRS


def test_curves_say_what_they_were_fitted_on_when_stored() -> None:
    """A reference that takes curves over is stored with the rows that showed them."""
    random = np.random.default_rng(1)
    like = mw.Baseline.fit(table(stream(random, 5_000, 0.9)), model="m", version="1")
    seen = mw.Profile.from_data(table(stream(random, 1_000, 0.9)), baseline=like)
    made = baseline_of_profile(seen, like)
    assert made.features["x1"].ks_effect.fitted_rows == 5_000
    assert mw.Baseline.from_json(made.to_json()).to_json() == made.to_json()
    assert like.features["x1"].ks_effect.fitted_rows == 0


def test_other_bins_are_refused() -> None:
    """Numbers on other bins make no reference: they would be taken for drift."""
    random = np.random.default_rng(1)
    like, other = (
        mw.Baseline.fit({"x": random.normal(size=500)}, model="m", version="1") for _ in range(2)
    )
    seen = mw.Profile.from_data({"x": np.ones(100)}, baseline=other)
    with pytest.raises(ProfileMismatch, match="other bins"):
        baseline_of_profile(seen, like)
