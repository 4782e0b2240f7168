"""What is prepared of a reference, and what cannot be judged."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch.comparisons.joint_reference import JointReference
from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import JointMoments
from tests.comparisons.row_streams import (
    STATISTICS,
    Judge,
    correlated,
    independent,
    moments,
    reference_of,
)

judges = pytest.mark.parametrize("judge", STATISTICS.values(), ids=STATISTICS)


def test_constant_and_collinear_features_are_told() -> None:
    """A constant feature is left out, a copy of another lowers the rank by one."""
    rows = correlated(np.random.default_rng(0), 500, 4)
    rows = np.column_stack([rows, np.full(500, 0.1), 3.0 * rows[:, 0] - 7.0])
    reference = reference_of(rows)
    assert reference.used.tolist() == [0, 1, 2, 3, 5]
    assert reference.rank == 4
    assert np.allclose(reference.correlation, np.corrcoef(rows[:, reference.used].T), atol=1e-12)


def test_a_constant_feature_is_one_at_large_offsets_too() -> None:
    """Rounding does not make a feature vary, and a small deviation at 1e9 is no rounding."""
    rows = independent(np.random.default_rng(0), 500, 2)
    rows = np.column_stack([rows, np.full(500, 1e9 + 0.1), 1e9 + rows[:, 0] * 1e-3])
    joint = JointMoments(["a", "b", "c", "d"], np.array([0.0, 0.0, 1e9, 1e9]))
    joint.update(rows)
    assert JointReference.of(joint).used.tolist() == [0, 1, 3]


def test_other_moments_are_given_in_the_units_of_the_reference() -> None:
    """Means and covariances equal those of the standardised rows, whatever the shifts."""
    rng = np.random.default_rng(1)
    before = correlated(rng, 800, 3) * [1.0, 10.0, 0.1] + [5.0, 0.0, 1e6]
    now = correlated(rng, 300, 3) * [2.0, 10.0, 0.1] + [5.0, 1.0, 1e6]
    standard = (now - before.mean(axis=0)) / before.std(axis=0, ddof=1)
    found = reference_of(before).standardise(moments(now))
    assert np.allclose(found.mean, standard.mean(axis=0), atol=1e-8)
    assert np.allclose(found.covariance, np.cov(standard.T), atol=1e-8)


@judges
def test_other_features_are_refused(judge: Judge) -> None:
    """Moments of other features raise, with both names."""
    rows = independent(np.random.default_rng(0), 100, 2)
    other = JointMoments(["x", "y"], np.zeros(2))
    with pytest.raises(ProfileMismatch, match="feature_0"):
        judge(reference_of(rows), other, None)


@judges
@pytest.mark.parametrize("rows", [0, 1, 2, 6])
def test_few_complete_rows_cannot_be_judged(judge: Judge, rows: int) -> None:
    """With d + 2 complete rows or fewer there is no p-value, and a reason that says so."""
    rng = np.random.default_rng(0)
    reference = reference_of(independent(rng, 100, 4))
    found = judge(reference, moments(independent(rng, rows, 4), np.zeros(4)), None)
    assert found.p_value is None
    assert f"{rows} complete rows: 7 are needed" in found.reason


@judges
@pytest.mark.parametrize("rows", [0, 1, 6])
def test_a_reference_of_few_rows_cannot_judge(judge: Judge, rows: int) -> None:
    """A reference that is empty or has too few rows gives a reason, never an exception."""
    rng = np.random.default_rng(0)
    reference = JointReference.of(moments(independent(rng, rows, 4), np.zeros(4)))
    found = judge(reference, moments(independent(rng, 50, 4)), None)
    assert found.p_value is None
    assert found.reason


@judges
@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows * 0.0,
        lambda rows: rows * [1.0, 0.0, 1.0, 1.0],
        lambda rows: rows[:, [0, 0, 0, 0]],
        lambda rows: rows * 1e150,
        lambda rows: rows + 1e200,
        lambda rows: rows * 1e-150,
        lambda rows: np.where(rows > 2.5, np.inf, rows),
        lambda rows: np.where(rows > 0.5, np.nan, rows),
    ],
    ids=["all frozen", "one frozen", "one four times", "huge", "far", "tiny", "infinite", "gaps"],
)
@pytest.mark.filterwarnings("ignore:.*encountered.*:RuntimeWarning:modelwatch.sketches")
def test_no_number_is_ever_nan(judge: Judge, spoil: object) -> None:
    """Rows that are frozen, huge, infinite or gappy give numbers or a reason, never a NaN."""
    assert callable(spoil)
    rng = np.random.default_rng(0)
    reference = reference_of(independent(rng, 1000, 4))
    with np.errstate(all="ignore"):
        current = moments(spoil(independent(rng, 300, 4)), np.zeros(4))
    found = judge(reference, current, None)
    numbers = (found.value, found.p_value, found.lower, found.upper)
    assert all(number is None or not np.isnan(number) for number in numbers)
    assert (found.p_value is None) == bool(found.reason)


@judges
def test_collinear_references_judge_like_the_features_apart(judge: Judge) -> None:
    """Undrifted windows of collinear features raise no alarm, whatever rounding left."""
    rng = np.random.default_rng(3)
    rows = correlated(rng, 6000, 4)
    rows = np.column_stack([rows, 1.8 * rows[:, 0] + 32.0, np.full(6000, 2.5)])
    reference = reference_of(rows[:3000])
    assert all(
        (judge(reference, moments(part), None).p_value or 0) > 0.001
        for part in np.split(rows[3000:], 10)
    )
