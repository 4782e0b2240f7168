from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.peers import streams
from tests.benchmarks.peers.streams import COLUMNS, STREAMS, read, write
from tests.benchmarks.peers.verdict_table import TIMED, document
from tests.benchmarks.peers.verdicts import ToolVerdicts


def test_a_stream_is_named_once() -> None:
    """Verdicts are kept by name, so two streams never share one."""
    names = [stream.name for stream in STREAMS]
    assert len(set(names)) == len(names)
    assert TIMED in names


def test_tools_read_what_was_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gives the reference and the windows in full; a drift is in the windows alone."""
    chosen = [stream for stream in STREAMS if stream.rows == 100 or "missing" in stream.name]
    few = tuple(replace(stream, windows=2) for stream in chosen)
    monkeypatch.setattr(streams, "STREAMS", few)
    write(tmp_path / "data.npz")
    for stream, reference, windows in read(tmp_path / "data.npz"):
        assert len(reference) == COLUMNS
        assert len(windows) == 2
        before = np.array(list(reference.values()), dtype=np.float64)
        now = np.array([list(window.values()) for window in windows], dtype=np.float64)
        assert before.shape == (COLUMNS, stream.reference)
        assert now.shape == (2, COLUMNS, stream.rows)
        assert not np.isnan(before).any()
        assert np.isnan(now).any() == ("missing" in stream.name)
        assert abs(before.mean()) < 0.1


def test_the_table_leaves_open_what_was_not_judged() -> None:
    """A tool that judged some streams only has empty cells for the others."""
    first, last = STREAMS[0], STREAMS[-1]
    peer = ToolVerdicts(tool="peer 1")
    peer.add("drift", first.name, [[True, False], [False, False]])
    ours = ToolVerdicts(tool="ours 1", seconds={TIMED: 1.0})
    ours.add("drift", first.name, [[False, False]] * 2)
    ours.add("correlation", last.name, [[True]])
    text = document([peer], ours)
    assert f"| {first.name} | 2 | 0.250 | 0.000 |  |  |" in text
    assert f"| {first.name} | 2 | 0.500 | 0.000 |  |  |" in text
    assert text.count(last.name) == 1
