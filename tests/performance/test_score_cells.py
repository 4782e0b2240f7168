"""Counts and sums of scores by state and bin."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelwatch.errors import FormatError, ProfileMismatch
from modelwatch.performance.score_cells import ScoreCells

EDGES = np.array([0.1, 0.25, 0.75])
scores = arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 1))


def counted(values: np.ndarray, states: np.ndarray | None = None) -> ScoreCells:
    """Count scores, by default half of them in each of two states."""
    cells = ScoreCells(EDGES, 2)
    cells.update(values, np.arange(values.size) % 2 if states is None else states)
    return cells


@given(scores)
def test_counts_and_means_are_those_of_the_rows(values: np.ndarray) -> None:
    """Each cell holds the rows, and the mean score, that a loop over bins finds."""
    cells = counted(values)
    bounds = [-1.0, *EDGES, 1.0]
    for state in range(2):
        mine = values[state::2]
        for at in range(4):
            inside = mine[(mine > bounds[at]) & (mine <= bounds[at + 1])]
            assert cells.counts[state, at] == inside.size
            if inside.size:
                assert cells.mean_scores[state, at] == pytest.approx(inside.mean(), abs=1e-15)


@given(scores, scores)
def test_merging_is_counting_all_at_once(a: np.ndarray, b: np.ndarray) -> None:
    """Merge equals concatenation: counts exactly, sums to rounding."""
    states = np.zeros(a.size, np.intp), np.ones(b.size, np.intp)
    whole = counted(np.concatenate([a, b]), np.concatenate(states))
    merged = counted(b, states[1]).merge(counted(a, states[0]))
    assert merged.counts.tolist() == whole.counts.tolist()
    assert merged.offset_sums == pytest.approx(whole.offset_sums, abs=1e-14)


@given(scores)
def test_documents_round_trip(values: np.ndarray) -> None:
    """What was written is read back, bit by bit."""
    cells = counted(values)
    read = ScoreCells.from_dict(json.loads(json.dumps(cells.to_dict())), states=2)
    assert np.array_equal(read.counts, cells.counts)
    assert np.array_equal(read.offset_sums, cells.offset_sums)
    assert np.array_equal(read.bin_edges, cells.bin_edges)


def test_narrow_bins_keep_their_digits() -> None:
    """In a bin of width 1e-12 the mean score still is exact to a thousandth of the width."""
    cells = ScoreCells(np.array([0.5, 0.5 + 1e-12]), 1)
    inside = 0.5 + np.linspace(0.25e-12, 0.75e-12, 1_001)
    cells.update(inside, np.zeros(inside.size, np.intp))
    assert cells.mean_offsets[0, 1] == pytest.approx(0.5e-12, abs=1e-15)


@pytest.mark.parametrize("edges", [[0.5, 0.5], [0.0], [1.0], [0.6, 0.4], [np.nan]])
def test_bad_edges_are_refused(edges: list[float]) -> None:
    """Edges increase strictly and lie inside (0, 1)."""
    with pytest.raises(ProfileMismatch, match="bin_edges"):
        ScoreCells(np.array(edges), 1)


def test_other_bins_do_not_merge() -> None:
    """Scores on other bins, or in other states, are refused."""
    with pytest.raises(ProfileMismatch, match="different bins"):
        ScoreCells(EDGES, 2).merge(ScoreCells(EDGES + 0.01, 2))
    with pytest.raises(ProfileMismatch, match="different bins"):
        ScoreCells(EDGES, 2).merge(ScoreCells(EDGES, 3))
    with pytest.raises(ProfileMismatch, match="shape"):
        ScoreCells(EDGES, 2, counts=np.zeros((1, 1), np.int64))


@pytest.mark.parametrize(
    "change",
    [
        {"cells": [0, 0]},
        {"cells": [0, 8]},
        {"counts": [1]},
        {"counts": [1, -1]},
        {"offset_sums": [0.05, 9.0]},
        {"offset_sums": [-0.05, 0.0]},
        {"bin_edges": [0.1, "x"]},
        {"cells": None},
    ],
)
def test_damaged_documents_are_refused(change: dict[str, Any]) -> None:
    """A document that contradicts itself is a FormatError."""
    body = counted(np.array([0.05, 0.2])).to_dict()
    with pytest.raises(FormatError):
        ScoreCells.from_dict(body | change, states=2)


def test_taking_away_undoes_merging() -> None:
    """What is left are the cells of the rest; more than there is cannot be taken."""
    rng = np.random.default_rng(0)
    edges = np.array([0.25, 0.5, 0.75])
    parts = []
    for rows in (200, 300):
        cells = ScoreCells(edges, 2)
        cells.update(rng.random(rows), rng.integers(0, 2, rows))
        parts.append(cells)
    left = parts[0].merge(parts[1]).without(parts[0])
    assert left.counts.tolist() == parts[1].counts.tolist()
    assert left.offset_sums == pytest.approx(parts[1].offset_sums)
    nothing = left.without(left)
    assert not nothing.counts.any()
    assert not nothing.offset_sums.any()
    with pytest.raises(ProfileMismatch, match="never counted"):
        nothing.without(left)
    with pytest.raises(ProfileMismatch, match="different bins"):
        left.without(ScoreCells(np.array([0.5]), 2))


def test_neighbouring_states_are_put_together() -> None:
    """Half as many states hold the same scores."""
    cells = ScoreCells(np.array([0.5]), 4)
    cells.update(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 1, 2, 3]))
    found = cells.over_pairs()
    assert found.counts.tolist() == [[2, 0], [0, 2]]
    assert found.offset_sums == pytest.approx(np.array([[0.3, 0.0], [0.0, 0.7]]))
