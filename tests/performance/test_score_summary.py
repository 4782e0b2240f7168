"""Scores without labels."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.performance.score_summary import ScoreSummary
from tests.mutations import mutations
from tests.performance.scored_rows import CLASSES, Binary, binary, names, scored, several

EDGES = np.arange(1, 20) / 20


def plain(summary: ScoreSummary) -> tuple[list[Any], dict[str, int]]:
    """Return the counts."""
    return [cells.counts.tolist() for cells in summary.cells.values()], dict(summary.refused)


def test_rows_are_told_by_the_real_prediction() -> None:
    """The predicted class counts, whatever the score; an unknown one is neither."""
    summary = ScoreSummary.empty({"yes": np.array([0.5])})
    summary.update(np.array([0.9, 0.9, 0.1, 0.1]), ["no", "yes", "yes", None])
    assert summary.cells["yes"].counts.tolist() == [[1, 1], [0, 1], [1, 0]]


def test_predictions_may_be_absent() -> None:
    """Without predicted classes scores are counted all the same."""
    summary = ScoreSummary.empty({"yes": np.array([0.5])})
    summary.update(np.array([0.9, 0.1]))
    assert summary.cells["yes"].counts.tolist() == [[0, 0], [0, 0], [1, 1]]


def test_merging_is_counting_all_at_once() -> None:
    """Shards in any order give the counts of the whole, several classes too."""
    probabilities, _ = several(np.random.default_rng(0), 1_000)
    probabilities[::7, 1] = np.nan
    predicted = names(np.nan_to_num(probabilities).argmax(axis=1))

    def fold(rows: slice) -> ScoreSummary:
        part = ScoreSummary.empty(dict.fromkeys(CLASSES, EDGES))
        part.update(probabilities[rows], predicted[rows])
        return part

    shards = [fold(slice(at, at + 100)) for at in range(0, 1_000, 100)]
    merged = shards[-1]
    for shard in shards[:-1]:
        merged = shard.merge(merged)
    whole = fold(slice(None))
    assert plain(merged) == plain(whole)
    assert merged.rows + merged.refused["missing"] == 1_000
    for name in CLASSES:
        found, expected = merged.cells[name].offset_sums, whole.cells[name].offset_sums
        assert found == pytest.approx(expected, abs=1e-12)


def test_documents_round_trip() -> None:
    """What was written is read back."""
    summary = scored(binary(np.random.default_rng(1), 500), EDGES)
    summary.update(np.array([np.nan, 3.0]))
    read = ScoreSummary.from_dict(json.loads(json.dumps(summary.to_dict())))
    assert plain(read) == plain(summary)
    assert read.to_dict() == summary.to_dict()


@given(st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    rows = Binary(np.array([0.2, 0.7, 0.71]), np.array([False, True, True]))
    text = mutations(scored(rows, np.array([0.5])).to_dict(), seed)
    with suppress(FormatError, ProfileMismatch):
        ScoreSummary.from_dict(json.loads(text))


def test_an_empty_batch_changes_nothing() -> None:
    """No rows, no change."""
    summary = ScoreSummary.empty({"yes": EDGES})
    summary.update(np.zeros(0), [])
    assert summary.rows == 0
    assert not summary.refused


def test_what_does_not_belong_together_is_refused() -> None:
    """Other classes do not merge; a summary needs a class."""
    with pytest.raises(ProfileMismatch, match="classes"):
        ScoreSummary.empty({"yes": EDGES}).merge(ScoreSummary.empty({"no": EDGES}))
    with pytest.raises(ConfigurationError, match="one class or more"):
        ScoreSummary.empty({})
