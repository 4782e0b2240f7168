"""Calibrations and the bins for them."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError, DataError, FormatError
from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from tests.mutations import mutations
from tests.performance.scored_rows import binary, calibrated


def test_a_score_that_is_off_is_put_right() -> None:
    """A calibrated score is near the true probability where there are rows."""
    calibration, _ = calibrated()
    at = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    assert calibration.apply(at) == pytest.approx(at**1.3, abs=0.03)


def test_a_score_that_is_right_is_left_alone() -> None:
    """Where isotonic regression only adds noise, on most samples the score stays as it is."""
    kept = 0
    for seed in range(20):
        rows = binary(np.random.default_rng(seed), 2_000, power=1.0)
        kept += fit_calibration(rows.scores, rows.truth).scores == ()
    assert kept >= 15


def test_the_parts_show_how_sure_it_is() -> None:
    """Four times the rows halve the spread of the replicates."""
    spreads = []
    for rows in (4_000, 64_000):
        calibration, _ = calibrated(3, rows)
        replicates = calibration.replicates(np.linspace(0.1, 0.5, 9))
        spreads.append(float(np.std(replicates, axis=0).mean()) * rows)
        assert len(replicates) == 10
    assert spreads[0] > 0
    assert 1 < spreads[1] / spreads[0] < 12


def test_bins_hold_breakpoints_and_tenths() -> None:
    """Estimates are exact on them, and so is the calibration error."""
    calibration, edges = calibrated()
    assert set(calibration.scores) <= {0.0, 1.0, *edges}
    assert set(np.arange(1, 10) / 10) <= set(edges)
    assert np.all(np.diff(edges) > 0)
    assert edges[0] > 0
    assert edges[-1] < 1


def test_crowded_scores_have_fine_bins() -> None:
    """Half of the bins follow the scores, where they are given."""
    scores = np.random.default_rng(0).beta(1, 200, 5_000)
    counts = np.histogram(scores, [0.0, *bin_edges_for(Calibration(), scores=scores), 1.0])[0]
    assert counts.max() < 200
    with pytest.raises(ConfigurationError, match="bins is 9"):
        bin_edges_for(Calibration(), 9)


def test_documents_round_trip() -> None:
    """What was written is read back, the empty calibration too."""
    for calibration in (calibrated()[0], Calibration()):
        read = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
        assert read == calibration


@given(st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    body = Calibration((0.2, 0.6), (0.1, 0.9), (0.1, 0.5), ((0.0, 0.1), (0.0, -0.1))).to_dict()
    with suppress(FormatError):
        read = Calibration.from_dict(json.loads(mutations(body, seed)))
        read.replicates(np.array([0.0, 0.5, 1.0]))


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([], [], "no row"),
        ([np.nan, 0.5], [1.0, np.nan], "no row"),
        ([0.5, 1.5], [0, 1], r"outside \[0, 1\] in 1 of 2"),
        ([0.5, 0.6], [1, 1], "all of the class"),
        ([0.5, 0.6], [0, 0], "never of the class"),
        ([0.5, 0.6], [0, 2], "0 or 1"),
    ],
)
def test_what_cannot_be_calibrated_is_named(
    scores: list[float], labels: list[float], words: str
) -> None:
    """Empty, missing, impossible and one-sided rows are refused in words of their own."""
    with pytest.raises(DataError, match=words):
        fit_calibration(np.array(scores), np.array(labels))


def test_few_rows_are_no_error() -> None:
    """Two rows of both classes can be calibrated, though they tell little."""
    calibration = fit_calibration(np.array([0.2, 0.8]), np.array([False, True]))
    assert calibration.apply(np.array([0.5])).shape == (1,)
    with pytest.raises(ConfigurationError, match="give"):
        fit_calibration(np.zeros(3), np.zeros(2))
