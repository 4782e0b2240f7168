"""What counts must be: whatever is none is refused, by every distance alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwatch.comparisons.chi_square import chi_square
from modelwatch.comparisons.hellinger import hellinger_distance
from modelwatch.comparisons.js import js_distance
from modelwatch.comparisons.kl import kl_divergence
from modelwatch.comparisons.ks import ks_statistic
from modelwatch.comparisons.l_infinity import l_infinity
from modelwatch.comparisons.psi import psi
from modelwatch.comparisons.smoothing import checked, rows_of
from modelwatch.comparisons.total_variation import total_variation
from modelwatch.comparisons.wasserstein import wasserstein_distance
from modelwatch.errors import ConfigurationError

Distance = Callable[[Any, Any], object]
DISTANCES: dict[str, Distance] = {
    "chi_square": chi_square,
    "hellinger": hellinger_distance,
    "js": js_distance,
    "kl": kl_divergence,
    "ks": ks_statistic,
    "l_infinity": l_infinity,
    "psi": psi,
    "total_variation": total_variation,
    "wasserstein": lambda p, q: wasserstein_distance(p, q, np.arange(len(p) + 1.0)),
}
every_distance = pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES.keys())

NO_COUNTS: dict[str, Any] = {
    "negative": [4, -1],
    "NaN": [4, math.nan],
    "infinite": [4, math.inf],
    "too large": [1e308, 1e308],
    "texts": ["4", "1"],
    "None": [4, None],
    "two rows": [[4, 1], [9, 9]],
    "one row of rows": [[4, 1]],
    "ragged": [[4], [1, 2]],
    "complex": [1j, 2],
    "times": np.array([0, 1], dtype="M8[s]"),
}
no_counts = pytest.mark.parametrize("wrong", NO_COUNTS.values(), ids=NO_COUNTS.keys())


@every_distance
@no_counts
def test_what_is_no_row_of_counts_is_refused(distance: Distance, wrong: Any) -> None:
    """On either side; the message names it, and nothing is warned of."""
    with pytest.raises(ConfigurationError, match=r"^current "):
        distance([4, 1], wrong)
    with pytest.raises(ConfigurationError, match=r"^reference "):
        distance(wrong, [4, 1])


@every_distance
def test_unequal_lengths_are_refused(distance: Distance) -> None:
    """With both of them in the message, also where numpy would repeat the one bin."""
    with pytest.raises(ConfigurationError, match="current has 3 bins, reference 2"):
        distance([4, 1], [4, 1, 1])
    with pytest.raises(ConfigurationError, match="current has 1 bins, reference 2"):
        distance([4, 1], [4])


@every_distance
@pytest.mark.parametrize("wrong", [3, None, "a", {"a": 1}], ids=repr)
def test_what_has_no_bins_is_refused(distance: Distance, wrong: Any) -> None:
    """A single number, nothing, a text, a mapping."""
    with pytest.raises(ConfigurationError, match="current is "):
        distance([4, 1], wrong)


@every_distance
def test_the_largest_counts_are_taken_without_a_warning(distance: Distance) -> None:
    """So are counts of any kind of number: shares are all that matters."""
    distance([1e140, 0.0], [0.0, 1e140])
    distance(np.array([True, False]), np.array([3, 4], dtype=np.uint8))


@pytest.mark.parametrize(
    "bounds", [3, "abc", [0, 1], [0, 1, 2, 3], [0, math.nan, 2], [2, 1, 0], [-1e308, 0, 1e308]]
)
def test_bounds_that_are_none_are_refused(bounds: Any) -> None:
    """They are one more than there are bins, finite, and in order."""
    with pytest.raises(ConfigurationError, match=r"^bounds "):
        wasserstein_distance([4, 1], [1, 4], bounds)


@pytest.mark.parametrize("distance", [psi, kl_divergence])
@pytest.mark.parametrize("smoothing", [-1, math.nan, math.inf, "a", None], ids=repr)
def test_a_pseudo_count_is_zero_or_more(distance: Callable[..., float], smoothing: Any) -> None:
    """Shares below zero have no logarithm."""
    with pytest.raises(ConfigurationError, match=r"^smoothing is "):
        distance([4, 1], [1, 4], smoothing=smoothing)


def test_checked_counts_are_left_as_they_are() -> None:
    """As floats, and one row each, ready for what measures many rows."""
    x, y = checked([4, 1], (1, 4))
    assert (x.tolist(), y.tolist()) == ([[4.0, 1.0]], [[1.0, 4.0]])
    assert [side.tolist() for side in rows_of(x, y)] == [[[0.8, 0.2]], [[0.2, 0.8]]]
