from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import modelwatch as mw
from modelwatch.collector.evaluating.evaluation import assess
from modelwatch.collector.evaluating.rebinning import MOST_REBINNING_ERROR, rebinning_error
from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.collector.windows import TimeWindow
from modelwatch.comparing.pairs import on_baseline_bins
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram, Moments
from modelwatch.sketches.exponential import SMALLEST

EDGES = np.linspace(-3.0, 3.0, 41)


def feature_of(values: np.ndarray, sketch: Histogram | ExponentialHistogram) -> FeatureProfile:
    """Return numbers counted on a sketch."""
    sketch.update(values)
    moments = Moments()
    moments.update(values)
    return FeatureProfile("x", "input", "numeric", sketch, moments)


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=60),
    st.lists(st.floats(-4, 4), min_size=1, max_size=8, unique=True),
    st.booleans(),
)
@example(values=[0.15, 0.15], bounds=[0.0], explicit=False)  # just above an edge
def test_the_error_is_a_bound(values: list[float], bounds: list[float], explicit: bool) -> None:
    """Whatever was counted on whatever bins, no share up to an edge is wrong by more."""
    numbers = np.array(values)
    numbers[np.abs(numbers) < SMALLEST] = 0.0  # as which exponential histograms count them
    sketch = Histogram(np.array(sorted(bounds))) if explicit else ExponentialHistogram()
    feature = feature_of(numbers, sketch)
    exact, reference = Histogram(EDGES), Histogram(EDGES, np.ones(EDGES.size + 1, np.int64))
    exact.update(numbers)
    target = FeatureProfile("x", "input", "numeric", reference, None)
    found = on_baseline_bins(feature, target).values
    assert isinstance(found, Histogram)
    assert found.total == numbers.size
    wrong = np.abs(found.cumulative_share() - exact.cumulative_share()).max()
    rounding = 1.0 / numbers.size + 1e-9  # counts are whole
    assert wrong <= rebinning_error(feature, EDGES) + rounding


def test_equal_bins_cost_nothing() -> None:
    """Where every edge of the baseline is one of the sender's, nothing can be wrong."""
    values = np.random.default_rng(0).normal(size=1_000)
    finer = np.linspace(-3.0, 3.0, 81)
    finer[::2] = EDGES
    assert rebinning_error(feature_of(values, Histogram(finer)), EDGES) == 0.0
    assert rebinning_error(feature_of(values, Histogram(EDGES[::8])), EDGES) > 0.05


def test_what_holds_nothing_or_no_numbers() -> None:
    """No values are in no wrong place; what is no histogram is wholly unknown."""
    nothing = FeatureProfile("x", "input", "numeric", Histogram([0.0]), Moments())
    assert rebinning_error(nothing, EDGES) == 0.0
    names = FeatureProfile("x", "input", "categorical", Categories({"a": 1}), None)
    assert rebinning_error(names, EDGES) == 1.0


@pytest.mark.parametrize(("shift", "state"), [(0.0, "no_drift"), (1.0, "drift")])
def test_exponential_histograms_are_judged(shift: float, state: str) -> None:
    """A client that knows no bins is judged, with the error stated and no false alarm."""
    random = np.random.default_rng(5)
    baseline = mw.Baseline.fit({"x": random.normal(40, 10, 20_000)}, model="m", version="1")
    current = mw.Profile.empty("m", "1")
    current.update({"x": random.normal(40 + 10 * shift, 10, 20_000)})
    current.start_ns, current.end_ns = 1, 2
    observed = WindowProfiles(profiles={None: current}, unmergeable=0, instances=1, through_id=1)
    found = assess("m", "1", TimeWindow(0, 10), baseline=baseline, observed=observed)
    assert found.state == state
    assert found.other_bins == ()
    assert 0.0 < found.rebinned["x"] <= MOST_REBINNING_ERROR


def test_too_coarse_bins_are_not_judged() -> None:
    """Where too much may lie on the wrong side of an edge, a feature is left out and named."""
    random = np.random.default_rng(5)
    baseline = mw.Baseline.fit({"x": random.normal(40, 10, 20_000)}, model="m", version="1")
    current = mw.Profile.empty("m", "1")
    values = random.normal(40, 10, 1_000)
    current.features["x"] = feature_of(values, Histogram([20.0, 40.0, 60.0]))
    current.rows, current.start_ns, current.end_ns = 1_000, 1, 2
    observed = WindowProfiles(profiles={None: current}, unmergeable=0, instances=1, through_id=1)
    found = assess("m", "1", TimeWindow(0, 10), baseline=baseline, observed=observed)
    assert (found.other_bins, dict(found.rebinned)) == (("x",), {})
