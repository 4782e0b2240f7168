"""What nannyml's univariate and reconstruction monitors say; runs in nannyml's own environment.

Run as ``python -m tests.benchmarks.peers.nannyml_verdicts data.npz verdicts.json``.
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


def alerts(result: Any, columns: list[str]) -> list[list[bool]]:
    """Read each window's verdicts out of a result."""
    frame = result.filter(period="analysis").to_df()
    return [
        [bool(found) for found in row]
        for row in zip(*(frame[(*column, "alert")] for column in map(_path, columns)), strict=True)
    ]


def _path(column: str) -> tuple[str, ...]:
    return ("reconstruction_error",) if column == "all" else (column, "jensen_shannon")


def judge(stream: Stream, reference: Table, windows: list[Table], verdicts: ToolVerdicts) -> None:
    """Fit on the reference, and calculate all windows as chunks of one analysis set."""
    import nannyml
    import pandas as pd

    names = list(reference)
    analysis = pd.concat([pd.DataFrame(window) for window in windows], ignore_index=True)
    if stream.is_joint:
        make = nannyml.DataReconstructionDriftCalculator
    else:
        make = nannyml.UnivariateDriftCalculator
    monitor = make(column_names=names, chunk_size=stream.rows).fit(pd.DataFrame(reference))
    started = perf_counter()
    result = monitor.calculate(analysis)
    verdicts.seconds[stream.name] = (perf_counter() - started) / len(windows)
    verdicts.add("drift", stream.name, alerts(result, ["all"] if stream.is_joint else names))


def main(data: str, output: str) -> None:
    """Judge all streams."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    warnings.simplefilter("ignore")
    verdicts = ToolVerdicts(tool=f"nannyml {version('nannyml')}")
    for stream, reference, windows in read(Path(data)):
        judge(stream, reference, windows, verdicts)
    verdicts.save(Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
