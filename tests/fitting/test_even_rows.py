"""Rows of a stream, evenly spread."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.fitting.even_rows import EvenRows


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 30))
def test_every_so_many_rows_are_kept(sizes: list[int], limit: int) -> None:
    """However a stream is cut, rows 0, k, 2k, ... are kept, no more than the limit."""
    kept, seen = EvenRows(2, limit), 0
    for size in sizes:
        numbers = np.arange(seen, seen + size, dtype=float)
        kept.update(np.column_stack([numbers, -numbers]))
        seen += size
    assert kept.values[:, 0].tolist() == list(range(0, seen, kept.stride))
    assert kept.values.shape[0] <= limit
    assert kept.stride == 1 or 2 * kept.values.shape[0] >= limit
