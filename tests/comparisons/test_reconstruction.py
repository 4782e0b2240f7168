"""Reconstruction errors from moments."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from modelwatch.comparisons.joint_effect import fit_joint_effect
from modelwatch.comparisons.joint_reference import JointReference
from modelwatch.comparisons.reconstruction import reconstruction_drift
from tests.comparisons.row_streams import (
    correlated,
    independent,
    moments,
    names,
    p_values,
    reference_of,
)


@pytest.mark.parametrize("features", [2, 5, 30])
def test_the_error_is_that_of_the_raw_rows(features: int) -> None:
    """It equals scikit-learn's components applied row by row to 1e-10."""
    rng = np.random.default_rng(features)
    before, now = correlated(rng, 3000, features), correlated(rng, 400, features)
    now[:, 0] *= -1
    scale = before.std(axis=0, ddof=1)
    found = reconstruction_drift(reference_of(before), moments(now))
    pca = PCA(n_components=found.components).fit((before - before.mean(axis=0)) / scale)
    rows = (now - before.mean(axis=0)) / scale
    rebuilt = pca.inverse_transform(pca.transform(rows))
    assert found.value == pytest.approx(((rows - rebuilt) ** 2).sum(axis=1).mean(), rel=1e-10)
    assert found.root == pytest.approx(np.sqrt(found.value or 0.0))
    share = np.cumsum(PCA().fit((before - before.mean(axis=0)) / scale).explained_variance_ratio_)
    assert found.components == min(int(np.searchsorted(share, 0.65)) + 1, features - 1)


def test_broken_dependence_is_found_and_named_by_its_size() -> None:
    """A feature that no longer follows the others raises the error."""
    rng = np.random.default_rng(1)
    rows = correlated(rng, 20_000, 6)
    effect = fit_joint_effect(rows, names(6))
    now = correlated(rng, 500, 6)
    now[:, 2] = rng.normal(size=500)
    found = reconstruction_drift(reference_of(rows), moments(now), effect)
    assert found.value is not None
    assert found.expected is not None
    assert found.lower is not None
    assert found.value > found.lower > found.expected
    assert (found.p_value or 0.0) < 1e-3


def test_a_smaller_error_is_a_change_too() -> None:
    """Rows nearer to the components than they should be are judged as well."""
    rng = np.random.default_rng(2)
    rows = correlated(rng, 5000, 4)
    now = np.repeat(rng.normal(size=(500, 1)), 4, axis=1) + 0.3 * rng.normal(size=(500, 4))
    found = reconstruction_drift(reference_of(rows), moments(now))
    assert found.value is not None
    assert found.expected is not None
    assert found.value < found.expected
    assert found.p_value is not None
    assert found.p_value < 1e-6


@pytest.mark.parametrize("with_effect", [False, True])
def test_components_fitted_to_few_rows_raise_no_alarm(with_effect: bool) -> None:
    """The reference's own error is too small by a tenth here, which is not taken for drift."""
    chances = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        rows = independent(rng, 1000, 10)
        effect = fit_joint_effect(rows, names(10)) if with_effect else None
        current = moments(independent(rng, 2000, 10))
        chances.append(reconstruction_drift(reference_of(rows), current, effect).p_value or 0.0)
    assert np.mean(np.array(chances) < 0.05) <= 0.1
    assert np.mean(np.array(chances) < 0.01) <= 0.04


def test_components_that_rebuild_all_leave_nothing_to_judge() -> None:
    """Where all features follow from one there is a value, and no p-value."""
    line = np.random.default_rng(3).normal(size=(500, 1))
    found = reconstruction_drift(
        reference_of(line * [1.0, 2.0, -3.0]), moments(line[:100] * [1.0, 2.0, 3.0])
    )
    assert found.p_value is None
    assert "rebuild the reference entirely" in found.reason
    assert found.value is not None
    assert found.value > 0.1


def test_false_alarms_are_near_the_level() -> None:
    """Independent rows alarm about as often as the level says."""
    chances = p_values(
        independent, 3, reference_rows=20_000, window_rows=500, windows=20, references=15
    )["reconstruction"]
    assert 0.02 <= np.mean(chances < 0.05) <= 0.085
    assert np.mean(chances < 0.01) <= 0.03


def test_where_many_features_are_left_out_the_others_are_not_trusted() -> None:
    """A quarter may be left out; with more, the rest may be alike but for luck."""
    rows = independent(np.random.default_rng(11), 2000, 8)
    before = moments(rows)
    few = JointReference.of(before, names(8)[:2])
    assert few.left_out == ("feature_0", "feature_1")
    assert few.used.tolist() == [2, 3, 4, 5, 6, 7]
    assert reconstruction_drift(few, moments(rows[:500])).p_value is not None
    many = JointReference.of(before, names(8)[:3])
    assert "too heavy" in reconstruction_drift(many, moments(rows[:500])).reason
