from __future__ import annotations

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.report.binning import numeric_bars, step_edges
from tests.report.conftest import table


def profiles(before: np.ndarray, now: np.ndarray) -> tuple[mw.Baseline, mw.Profile]:
    """Return a baseline of one numeric feature, and a profile on it."""
    baseline = mw.Baseline.fit({"x": before}, model="m", version="1")
    return baseline, mw.Profile.from_data({"x": now}, baseline=baseline)


@pytest.mark.parametrize("name", ["distance", "hour", "flag", "constant", "rain", "score"])
def test_bars_hold_all_that_is_not_beyond(baseline: mw.Baseline, name: str) -> None:
    """The shares of the bars and of what lies beyond add up to one, on both sides."""
    current = mw.Profile.from_data(table(2, 900, shift=0.5), baseline=baseline)
    bars = numeric_bars(baseline.profile.features[name], current.features[name])
    assert bars is not None
    assert bars.current is not None
    assert np.all(np.diff(bars.edges) > 0)
    assert bars.edges.size <= 120
    assert bars.reference.sum() + bars.reference_beyond == pytest.approx(1.0)
    assert bars.current.sum() + bars.current_beyond == pytest.approx(1.0)
    assert bars.reference_beyond < 0.01


def test_bars_show_the_shape() -> None:
    """The bars of a normal sample follow its density."""
    random = np.random.default_rng(3)
    baseline, current = profiles(random.normal(0, 1, 50_000), random.normal(0, 1, 50_000))
    bars = numeric_bars(baseline.profile.features["x"], current.features["x"])
    assert bars is not None
    assert bars.current is not None
    middle = (bars.edges[1:] + bars.edges[:-1]) / 2
    density = np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi) * np.diff(bars.edges)
    inner = np.abs(middle) < 2
    assert np.allclose(bars.reference[inner], density[inner], atol=0.004)
    assert np.allclose(bars.current[inner], density[inner], atol=0.008)


def test_each_of_few_values_has_its_bar() -> None:
    """Whole numbers on a short range have a bar each, which lies about the number."""
    values = np.repeat(np.arange(24.0), 50)
    baseline, current = profiles(values, values[values >= 12])
    bars = numeric_bars(baseline.profile.features["x"], current.features["x"])
    assert bars is not None
    assert bars.current is not None
    assert np.allclose((bars.edges[1:] + bars.edges[:-1]) / 2, np.arange(24))
    assert np.allclose(bars.reference, 1 / 24)
    assert np.allclose(bars.current, np.repeat([0, 1 / 12], 12))


def test_uneven_values_lie_where_they_are() -> None:
    """The mass of a value is not spread over a wide gap that no value lies in."""
    values = np.repeat([0.25, 0.5, 1, 2, 3, 4, 5, 7, 10], [5, 5, 5, 5, 5, 5, 10, 20, 400])
    baseline, current = profiles(values, np.append(values, [20.0] * 10))
    bars = numeric_bars(baseline.profile.features["x"], current.features["x"])
    assert bars is not None
    assert bars.current is not None
    assert bars.reference.max() == pytest.approx(400 / 460)
    assert bars.current.max() == pytest.approx(400 / 470)
    between = (bars.edges[:-1] >= 7.5) & (bars.edges[1:] <= 9.5)
    assert not bars.reference[between].any()


def test_error_codes_do_not_stretch_the_axis() -> None:
    """A few values of 1e9 are said to lie beyond; the axis keeps to the mass."""
    random = np.random.default_rng(4)
    before, now = random.normal(10, 2, 5_000), random.normal(10, 2, 1_000)
    now[:20] = 1e9
    baseline, current = profiles(before, now)
    bars = numeric_bars(baseline.profile.features["x"], current.features["x"])
    assert bars is not None
    assert bars.edges[-1] < 60
    assert bars.current_beyond > 0.01


def test_a_mass_on_the_lowest_value_is_shown() -> None:
    """Zeros that most rows hold are a bar, and not lost below the axis."""
    values = np.where(np.random.default_rng(5).random(5_000) < 0.9, 0.0, 1.0) * np.linspace(
        0.1, 1, 5_000
    )
    baseline, current = profiles(values, values)
    bars = numeric_bars(baseline.profile.features["x"], current.features["x"])
    assert bars is not None
    assert bars.reference.max() > 0.85


@pytest.mark.parametrize(
    ("lower", "upper"), [(0, 1), (-3, 1e9), (5, 5), (0, 0), (1e-300, 2e-300), (-1e15, 1e15)]
)
def test_steps_cover_the_range_on_round_numbers(lower: float, upper: float) -> None:
    """The edges cover the range, with about the number of bars that was asked for."""
    edges = step_edges(lower, upper)
    assert edges[0] <= lower
    assert edges[-1] >= upper
    assert 15 <= edges.size <= 70


def test_a_sender_without_baseline_is_drawn(baseline: mw.Baseline) -> None:
    """Numbers on exponential bins have their bars too, of about the same shares."""
    data = table(2, 4_000)
    free = mw.Profile.empty("m", "1")
    free.update({"distance": data["distance"], "flag": data["flag"]})
    before = baseline.profile.features
    exact = mw.Profile.from_data(data, baseline=baseline).features["distance"]
    bars = numeric_bars(before["distance"], free.features["distance"])
    same = numeric_bars(before["distance"], exact)
    assert bars is not None
    assert same is not None
    assert bars.current is not None
    assert same.current is not None
    assert np.abs(bars.current - same.current).max() < 0.05
    flags = numeric_bars(before["flag"], free.features["flag"])
    assert flags is not None
    assert flags.current is not None


def test_without_numbers_there_are_no_bars(baseline: mw.Baseline) -> None:
    """A categorical feature, and a baseline without a value, have no bars."""
    features = baseline.profile.features
    assert numeric_bars(features['[bold]<b>&"é'], None) is None
    empty = mw.Profile.empty("m", "1", baseline=baseline)
    empty.update({"distance": [None]})
    assert numeric_bars(empty.features["distance"], None) is None
    bars = numeric_bars(features["distance"], empty.features["distance"])
    assert bars is not None
    assert bars.current is None
