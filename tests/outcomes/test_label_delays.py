"""How long labels took."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.outcomes.label_delays import DELAY_EDGES_SECONDS, LabelDelays
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from tests.labelled_tables import binary_table
from tests.outcomes.joined_tables import BASELINES, joined, summed

Table = dict[str, Any]


def test_delays_are_told_by_quantile() -> None:
    """A quantile lies in the bin of the exact one; nothing is told without labels."""
    baseline = BASELINES["binary"]
    rows = joined(binary_table(0, 2_000), baseline)
    summary = summed(rows, baseline)
    exact = np.quantile((rows.labelled_ns - rows.predicted_ns) / 1e9, [0.1, 0.5, 0.9])
    found = [summary.delays.quantile(share) for share in (0.1, 0.5, 0.9)]
    assert found == pytest.approx(exact, rel=0.05)
    assert np.isnan(OutcomeSummary.empty(baseline).delays.quantile(0.5))


@given(
    st.lists(st.floats(0, 5e7), min_size=1, max_size=50),
    st.floats(0, 1),
)
def test_a_quantile_lies_in_the_bin_of_the_exact_one(seconds: list[float], share: float) -> None:
    """The bin's bounds hold it, and beyond the last bound it is that bound."""
    delays = LabelDelays()
    labelled = (np.array(seconds) * 1e9).astype(np.int64)
    delays.update(np.zeros_like(labelled), labelled)
    exact = sorted(labelled / 1e9)[max(math.ceil(share * len(seconds)), 1) - 1]
    edges = [0.0, *DELAY_EDGES_SECONDS]
    at = max(int(np.searchsorted(edges, exact, side="left")), 1)
    found = delays.quantile(share)
    assert edges[at - 1] <= found <= edges[min(at, len(edges) - 1)]


def test_labels_taken_away_leave_the_others() -> None:
    """Counts are exact; more than there are cannot be taken, and damage is told."""
    some, more = LabelDelays(), LabelDelays()
    some.update(np.array([0]), np.array([-5]))
    more.update(np.array([0, 0]), np.array([10**10, 10**18]))
    assert some.merge(more).without(more).counts.tolist() == some.counts.tolist()
    with pytest.raises(ProfileMismatch):
        some.without(more)
    with pytest.raises(FormatError, match="counts of 0 or more"):
        LabelDelays.from_counts([1, 2])
