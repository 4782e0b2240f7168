"""Normalisation lost or doubled, and logarithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.diagnosis.conftest import Rows, Watched, watched


def test_lost_normalisation_is_named(flights: Watched) -> None:
    """Raw miles come where the model was trained on standard scores."""
    cause = flights.cause("standard", flights.window("distance"))
    assert cause is not None
    assert cause.name == "lost_normalisation"
    assert "mean went from" in cause.text


def test_lost_normalisation_of_values_without_a_grid_is_named() -> None:
    """Where the raw values are multiples of nothing, their side and spread tell."""
    raw = np.random.default_rng(0).gamma(9.0, 3.7, 20_000)
    column = watched({"x": (raw - raw.mean()) / raw.std()})
    assert column.cause("x", raw[:2_000]) is not None
    assert column.named("x", lambda x: x * raw.std() + raw.mean()) == "lost_normalisation"


@pytest.mark.parametrize("name", ["distance", "air_time", "arr_delay", "minute"])
@pytest.mark.parametrize("way", ["standard", "range"])
def test_normalisation_where_none_is_due_is_named(flights: Watched, name: str, way: str) -> None:
    """A model that normalises by itself would do so twice."""
    moments = flights.baseline.profile.features[name].moments
    assert moments is not None
    lowest, unit = {
        "standard": (moments.mean, moments.standard_deviation),
        "range": (moments.minimum, moments.maximum - moments.minimum),
    }[way]
    assert flights.named(name, lambda x: (x - lowest) / unit) == "doubled_normalisation"


def test_standard_scores_that_are_normalised_again_are_named() -> None:
    """By the raw mean and deviation."""
    scores = np.random.default_rng(0).gamma(9.0, 1.0, 20_000)
    scores = (scores - scores.mean()) / scores.std()
    assert watched({"x": scores}).named("x", lambda x: (x - 30) / 11) == "doubled_normalisation"


@pytest.mark.parametrize("name", ["distance", "air_time", "minute"])
@pytest.mark.parametrize(
    ("logarithm", "words"),
    [
        (np.log, "natural logarithm was taken"),
        (np.log10, "base 10 was taken"),
        (np.log2, "base 2 was taken"),
    ],
)
def test_a_logarithm_that_was_added_is_named(
    flights: Watched, name: str, logarithm: Callable[[Rows], Rows], words: str
) -> None:
    """With its base."""
    cause = flights.cause(name, logarithm(flights.window(name)))
    assert cause is not None
    assert cause.name == "log_transform"
    assert words in cause.text


def test_a_logarithm_that_was_left_out_is_named(flights: Watched) -> None:
    """Miles come where the model was trained on their logarithm."""
    cause = flights.cause("log", flights.window("distance"))
    assert cause is not None
    assert cause.name == "log_transform"
    assert "not taken" in cause.text


def test_values_below_zero_have_no_logarithm(flights: Watched) -> None:
    """A column with negative values is tried without warnings, and not called one."""
    assert flights.named("arr_delay", lambda x: np.abs(x) + 3_000) != "log_transform"


@pytest.mark.parametrize("seed", [0, 9])
def test_a_part_of_the_rows_that_moved_far_is_no_logarithm(seed: int) -> None:
    """A longer tail alone does not make exponentials of the values."""
    rng = np.random.default_rng(seed)
    before, now = rng.lognormal(0, 0.5, 8_000), rng.lognormal(0, 0.5, 2_000)
    values = now + np.where(rng.random(2_000) < 0.3, 3.0, 0.0)
    assert watched({"x": before}).cause("x", values) is None
