"""What Evidently's preset says of each column; runs in Evidently's own environment.

Run as ``python -m tests.benchmarks.peers.evidently_verdicts data.npz verdicts.json``.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks.peers.streams import Stream, Table, read
from tests.benchmarks.peers.verdicts import ToolVerdicts

WINDOWS = 10
"""Windows of a stream that are judged: a report takes some 70 ms a column."""


def columns_found(result: Any) -> list[bool]:
    """Read each column's verdict out of a report."""
    total, *columns = result["metrics"]
    found = []
    for column in columns:
        method, threshold = column["config"]["method"], column["config"]["threshold"]
        value = float(column["value"])
        found.append(value < threshold if method.endswith("p_value") else value >= threshold)
    assert sum(found) == total["value"]["count"], "the columns' verdicts were not read as meant"
    return found


def judge(stream: Stream, reference: Table, windows: list[Table], verdicts: ToolVerdicts) -> None:
    """Make one report a window."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    frame = pd.DataFrame(reference)
    currents = [pd.DataFrame(window) for window in windows[:WINDOWS]]
    started = perf_counter()
    results = [Report([DataDriftPreset()]).run(current, frame) for current in currents]
    verdicts.seconds[stream.name] = (perf_counter() - started) / len(currents)
    verdicts.add("drift", stream.name, [columns_found(result.dict()) for result in results])


def main(data: str, output: str) -> None:
    """Judge all streams that are judged by the column."""
    os.environ["DO_NOT_TRACK"] = "1"
    warnings.simplefilter("ignore")
    verdicts = ToolVerdicts(tool=f"Evidently {version('evidently')}")
    for stream, reference, windows in read(Path(data)):
        if not stream.is_joint:
            judge(stream, reference, windows, verdicts)
            verdicts.save(Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
