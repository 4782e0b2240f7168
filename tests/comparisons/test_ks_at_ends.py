"""What the extremes of one side tell of the other's distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modelwatch.baseline import Baseline
from modelwatch.comparing import compare

SAMPLES: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "a flag that froze at one": (np.arange(5_000) % 2, np.ones(700)),
    "a flag that froze at zero": (np.arange(5_000) % 2, np.zeros(700)),
    "a constant that became a flag": (np.ones(5_000), np.arange(700) % 2),
    "equal constants": (np.full(5_000, 3.0), np.full(700, 3.0)),
    "constants apart": (np.full(5_000, 3.0), np.full(700, 4.0)),
    "one value among many": (np.arange(5_000.0), np.full(700, 2_500.5)),
    "a part of the range": (np.arange(5_000.0), np.arange(1_000.0, 2_000.0)),
    "beyond both ends": (np.arange(5_000.0), np.array([-9.0, 9_000.0] * 300)),
    "zeros that moved": (np.repeat([0.0, 5.0, 9.0], 900), np.repeat([0.4, 5.4, 9.4], 300)),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_statistic_is_that_of_the_raw_values(name: str) -> None:
    """Of constants, flags and parts of a range it is scipy's, to the mass of a bin's part."""
    before, now = SAMPLES[name]
    baseline = Baseline.fit({"x": before.astype(float)}, model="m", version="1")
    found = compare(baseline, {"x": now.astype(float)}).features["x"].ks
    expected = stats.ks_2samp(before, now, method="asymp").statistic
    assert found == pytest.approx(expected, abs=0.002)
