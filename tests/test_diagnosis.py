"""Causes, named where they are so and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwatch.baseline import Baseline
from modelwatch.comparing import compare

Rows = np.ndarray


def diagnosis(before: Any, now: Any) -> str:
    """Return what is said of a single feature."""
    baseline = Baseline.fit({"x": before}, model="m", version="1")
    return compare(baseline, {"x": now}).features["x"].diagnosis or ""


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.609344, "miles to kilometres"),
        (0.001, "thousandth"),
        (100.0, "percent"),
        (1 / 2.54, "centimetres to inches"),
        (1.37, "values are 1.3"),
    ],
)
@pytest.mark.parametrize("shape", ["continuous", "few values"])
def test_a_change_of_unit_is_named(factor: float, words: str, shape: str) -> None:
    """Scaled values are told from a shift, also where single values hold much mass."""
    rng = np.random.default_rng(0)
    routes = rng.lognormal(6, 0.6, 80)

    def sample(rows: int) -> Rows:
        return rng.lognormal(6, 0.6, rows) if shape == "continuous" else rng.choice(routes, rows)

    assert words in diagnosis(sample(20_000), sample(4_000) * factor)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x + 40,
        lambda x: x * 0.3 + 80,
        lambda x: np.where(np.arange(x.size) % 3 == 0, x * 1.6, x),
    ],
)
def test_what_is_no_change_of_unit_is_not_called_one(move: Callable[[Rows], Rows]) -> None:
    """A shift, a narrower spread or a mixture is described, not explained away."""
    rng = np.random.default_rng(0)
    said = diagnosis(rng.normal(40, 8, 20_000), move(rng.normal(40, 8, 4_000)))
    assert said
    assert "times" not in said


def test_a_moved_mean_is_said_in_the_features_unit() -> None:
    """From what to what, and by how many deviations."""
    rng = np.random.default_rng(0)
    said = diagnosis(rng.normal(40, 8, 20_000), rng.normal(60, 8, 4_000))
    assert "mean went from 40" in said
    assert "standard deviations" in said


def test_the_category_that_moved_is_named() -> None:
    """The largest change of share is told, with both shares."""
    said = diagnosis(["a", "b"] * 500, ["a"] * 950 + ["b"] * 50)
    assert "'a' went from 50.0% to 95.0%" in said or "'b' went from 50.0% to 5.0%" in said


def test_new_categories_are_named() -> None:
    """The names that training never had are told."""
    assert "'zz'" in diagnosis(["a", "b"] * 500, ["a"] * 250 + ["zz"] * 250)


def test_fewer_missing_values_are_said_to_be_fewer() -> None:
    """A gap that closed is a change too, and not called a flood."""
    holes = [None, 1.0] * 1_000
    assert "fewer" in diagnosis(holes, [1.0] * 500)
