"""Another unit or factor, and a sign flip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.diagnosis.conftest import Rows, Watched, watched


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.609344, "1.609 times the baseline's (miles to kilometres)"),
        (0.001, "0.001 times the baseline's (a thousandth unit)"),
        (100.0, "100 times the baseline's (fractions to percent)"),
        (1 / 2.54, "0.3937 times the baseline's (centimetres to inches)"),
        (1.77, "1.7"),
    ],
)
@pytest.mark.parametrize("name", ["distance", "air_time", "log"])
def test_a_change_of_unit_is_named(flights: Watched, name: str, factor: float, words: str) -> None:
    """Miles, minutes and logarithms: whole numbers, and values that are multiples of nothing."""
    cause = flights.cause(name, flights.window(name) * factor)
    assert cause is not None
    assert cause.name == "scale_change"
    assert words in cause.text
    assert cause.evidence > 0.7


@pytest.mark.parametrize("rows", [500, 2_000, 7_000])
def test_the_factor_is_told_at_any_size(flights: Watched, rows: int) -> None:
    """Windows of 500 rows suffice."""
    assert flights.named("distance", lambda x: x * 1.609344, rows) == "scale_change"


def test_values_rounded_after_the_conversion_are_still_told(flights: Watched) -> None:
    """Kilometres as whole numbers lie on the grid of the miles."""
    cause = flights.cause("distance", np.round(flights.window("distance") * 1.609344))
    assert cause is not None
    assert "miles to kilometres" in cause.text


@pytest.mark.parametrize("shape", ["continuous", "few values"])
@pytest.mark.parametrize("factor", [1.609344, 1000.0, 1 / 60])
def test_shapes_with_and_without_atoms_are_told(shape: str, factor: float) -> None:
    """Single values that hold much mass do no harm."""
    rng = np.random.default_rng(0)
    routes = rng.lognormal(6, 0.6, 80)
    drawn = {"continuous": rng.lognormal(6, 0.6, 24_000), "few values": rng.choice(routes, 24_000)}
    assert watched({"x": drawn[shape]}).named("x", lambda x: x * factor) == "scale_change"


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x * 0.3 + 80,
        lambda x: np.where(np.arange(x.size) % 3 == 0, x * 1.6, x),
        lambda x: x * 1.1,
    ],
)
def test_what_is_no_change_of_unit_is_not_called_one(move: Callable[[Rows], Rows]) -> None:
    """Another spread about another mean, a mixture, or a tenth more is described, not explained."""
    rng = np.random.default_rng(0)
    assert watched({"x": rng.normal(40, 8, 40_000)}).named("x", move) == "-"


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.0, 5.0])
def test_a_part_of_the_rows_that_moved_is_no_scale(distance: float) -> None:
    """Though the mean doubles and the shape is not far from that of doubled values."""
    rng = np.random.default_rng(0)
    values = rng.exponential(size=2_000) + np.where(rng.random(2_000) < 0.3, distance, 0.0)
    assert watched({"x": rng.exponential(size=8_000)}).cause("x", values) is None


def test_noise_on_a_part_of_the_rows_is_no_scale(digits: Watched, weather: Watched) -> None:
    """Values that left the baseline's grid need not have been multiplied."""
    rng = np.random.default_rng(0)
    for table, name in ((weather, "dewp"), (weather, "humid"), (digits, "pixel_3_4")):
        values = table.window(name).astype(float)
        moved = rng.normal(1, 0.5, values.size) * np.nanstd(values)
        cause = table.cause(name, values + np.where(rng.random(values.size) < 0.4, moved, 0.0))
        assert cause is None


def test_a_wider_spread_about_zero_is_no_scale() -> None:
    """Where the mean is zero, a factor and plain drift of the spread look alike."""
    rng = np.random.default_rng(0)
    column = watched({"x": rng.normal(0, 1, 20_000)})
    assert column.named("x", lambda x: x * 1.8) == "-"
    assert column.named("x", lambda x: x * 60) == "scale_change"


@pytest.mark.parametrize("name", ["distance", "arr_delay", "log", "standard"])
def test_a_sign_flip_is_named(flights: Watched, name: str) -> None:
    """By the sign where all values have one, by the shape where they have both."""
    assert flights.named(name, lambda x: -x) == "sign_flip"


def test_a_symmetric_feature_has_no_sign_to_flip() -> None:
    """What looks the same upside down is not named."""
    rng = np.random.default_rng(0)
    assert watched({"x": rng.normal(0, 1, 20_000)}).named("x", lambda x: -x) == "-"


@pytest.mark.parametrize("factor", [2.0, 0.5, 2.4, 0.6, 3.0, 5.0])
@pytest.mark.parametrize("mean", [0.0, 10.0])
def test_a_unit_that_the_spreads_rule_out_is_not_named(factor: float, mean: float) -> None:
    """The measured factor is told in its place, however near a unit's lies."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        column = watched({"x": rng.normal(mean, 3, 16_000)})
        cause = column.cause("x", rng.normal(mean, 3, 8_000) * factor)
        assert cause is None or "(" not in cause.text
        told = float(cause.text.split()[2]) if cause else factor
        assert told == pytest.approx(factor, rel=0.05)


def test_a_unit_is_named_without_a_common_row() -> None:
    """Where it is the only one that the spreads and the means allow."""
    rng = np.random.default_rng(0)
    column = watched({"x": rng.normal(10, 3, 16_000)})
    cause = column.cause("x", rng.normal(10, 3, 4_000) * 1.609344)
    assert cause is not None
    assert cause.text == "values are 1.609 times the baseline's (miles to kilometres)"
