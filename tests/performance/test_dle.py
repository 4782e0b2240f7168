"""Estimated errors of regressions."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError, DataError, FormatError, ProfileMismatch
from modelwatch.performance.conditions import DLE_CONDITIONS
from modelwatch.performance.dle import MAX_FEATURES, LossModel, estimate_regression, fit_loss_model
from modelwatch.performance.quadratic_moments import QuadraticMoments
from tests.mutations import mutations


def rows(seed: int, count: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return five features, some missing, and errors whose size depends on two of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1.0, size=(count, 5))
    errors = rng.normal(size=count) * (0.5 + 0.4 * np.abs(x[:, 0]) + 0.3 * (x[:, 1] > 0))
    x[::9, 4] = np.nan
    return x, errors


def folded(model: LossModel, x: np.ndarray) -> QuadraticMoments:
    """Sum up rows for a model, in shards."""
    moments = model.empty_moments()
    for part in np.array_split(x, 7):
        other = model.empty_moments()
        other.update(part)
        moments = other.merge(moments)
    return moments


def test_moments_give_the_mean_prediction() -> None:
    """From merged moments the estimate is the mean of row-wise predictions, to 1e-10."""
    model = fit_loss_model(*rows(0, 5_000))
    x, _ = rows(1, 3_000, 0.5)
    found = estimate_regression(folded(model, x), model)
    mae, mse = model.predict(x).mean(axis=0)
    assert found["mae"].value == pytest.approx(mae, abs=1e-10)
    assert found["mse"].value == pytest.approx(mse, abs=1e-10)
    assert found["rmse"].value == pytest.approx(mse**0.5, abs=1e-10)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_drifted_errors_are_foreseen(shift: float) -> None:
    """Where inputs move to larger errors, the mae is foreseen to 4%, which shifts by up to 40%."""
    model = fit_loss_model(*rows(2, 20_000))
    x, errors = rows(3, 20_000, shift)
    found = estimate_regression(folded(model, x), model)
    assert found["mae"].value == pytest.approx(np.abs(errors).mean(), rel=0.04)
    assert found["rmse"].value == pytest.approx(np.square(errors).mean() ** 0.5, rel=0.04)


def test_bands_hold_what_labels_say() -> None:
    """Under a small shift, about 95% of bands hold the realised metrics."""
    inside = np.zeros(3)
    trials = 100
    for seed in range(trials):
        model = fit_loss_model(*rows(seed, 4_000))
        x, errors = rows(1_000 + seed, 1_000, 0.3)
        found = estimate_regression(folded(model, x), model)
        mse = float(np.square(errors).mean())
        truth = {"mae": float(np.abs(errors).mean()), "mse": mse, "rmse": mse**0.5}
        inside += [found[name].lower <= value <= found[name].upper for name, value in truth.items()]
    assert inside.min() >= 0.88 * trials


def test_an_even_loss_is_the_mean() -> None:
    """Errors that depend on nothing are estimated as they were, wherever inputs go."""
    rng = np.random.default_rng(4)
    x, errors = rng.normal(size=(4_000, 5)), rng.normal(size=4_000)
    model = fit_loss_model(x, errors)
    found = estimate_regression(folded(model, x + 2.0), model)
    assert found["mae"].value == pytest.approx(np.abs(errors).mean(), rel=0.05)


def test_of_many_features_the_telling_ones_are_kept() -> None:
    """Beyond the cap, features that move the loss stay, in their order."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2_000, MAX_FEATURES + 15))
    names = [f"feature {at}" for at in range(x.shape[1])]
    errors = rng.normal(size=2_000) * (1 + np.abs(x[:, -1]) + (x[:, 3] > 0))
    model = fit_loss_model(x, errors, names)
    assert len(model.names) == MAX_FEATURES
    assert {"feature 3", names[-1]} <= set(model.names)
    assert list(model.names) == sorted(model.names, key=names.index)


def test_documents_round_trip() -> None:
    """What was written is read back, and estimates the same."""
    model = fit_loss_model(*rows(6, 500), ["a", "b", "c", "d", "e"])
    read = LossModel.from_dict(json.loads(json.dumps(model.to_dict())))
    moments = folded(model, rows(7, 200)[0])
    assert read.to_dict() == model.to_dict()
    assert estimate_regression(moments, read) == estimate_regression(moments, model)


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    model = fit_loss_model(np.arange(60.0)[:, None], np.arange(60.0))
    with suppress(FormatError):
        LossModel.from_dict(json.loads(mutations(model.to_dict(), seed)))


def test_a_constant_or_empty_feature_takes_no_part() -> None:
    """What never varies, or is never there, is at its mean for good."""
    x, errors = rows(8, 500)
    x[:, 2] = 7.0
    x[:, 3] = np.nan
    model = fit_loss_model(x, errors)
    assert model.scale[2] == model.scale[3] == 0.0
    assert np.isfinite(model.predict(x + 1e6)).all()


def test_a_loss_below_zero_is_left_out() -> None:
    """Far from the baseline a quadratic may fall below 0: no number is better than that."""
    x = np.random.default_rng(9).normal(size=(2_000, 1))
    model = fit_loss_model(x, np.maximum(3 - x[:, 0], 0.1))
    moments = model.empty_moments()
    moments.update(np.full((10, 1), 4.0))
    assert "mae" not in estimate_regression(moments, model)


def test_what_cannot_be_estimated_is_named() -> None:
    """Few rows, features that do not vary, shapes and models that do not fit, are refused."""
    x, errors = rows(10, 200)
    with pytest.raises(DataError, match="49 of 200 rows"):
        fit_loss_model(x, np.where(np.arange(200) < 49, errors, np.nan))
    with pytest.raises(DataError, match="varies"):
        fit_loss_model(np.ones((200, 2)), errors)
    with pytest.raises(ConfigurationError, match="give"):
        fit_loss_model(x[:, 0], errors)
    with pytest.raises(ConfigurationError, match="5 different"):
        fit_loss_model(x, errors, ["a"] * 5)
    model = fit_loss_model(x, errors)
    with pytest.raises(DataError, match="empty"):
        estimate_regression(model.empty_moments(), model)
    other = fit_loss_model(x + 1, errors)
    with pytest.raises(ProfileMismatch, match="loss model"):
        estimate_regression(folded(other, x), model)


def test_the_conditions_are_said() -> None:
    """The text beside the number names the condition."""
    assert "concept drift" in DLE_CONDITIONS
