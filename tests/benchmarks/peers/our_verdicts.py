"""What `modelwatch.compare` says of the same streams, by its public names alone.

Run as ``python -m tests.benchmarks.peers.our_verdicts data.npz verdicts.json``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import pandas as pd

import modelwatch as mw
from tests.benchmarks.peers.streams import Stream, Table, read
from tests.benchmarks.peers.verdicts import ToolVerdicts

EVIDENCE = 0.01
"""The q-value up to which a change counts as evident."""

START = pd.Timestamp("2026-01-01", tz="UTC")


def frame_of(table: Table, stream: Stream, first_row: int) -> pd.DataFrame:
    """Return the table with its times, a row a minute, where the stream has times."""
    frame = pd.DataFrame(table)
    if stream.has_times:
        start = START + pd.Timedelta(minutes=first_row)
        frame["time"] = pd.date_range(start, periods=len(frame), freq="min")
    return frame


def judge(stream: Stream, reference: Table, windows: list[Table], verdicts: ToolVerdicts) -> None:
    """Fit on the reference, then make one report a window."""
    baseline = mw.Baseline.fit(
        frame_of(reference, stream, 0),
        model="peers",
        version="1",
        timestamp="time" if stream.has_times else None,
    )
    currents = [
        frame_of(window, stream, stream.reference + place * stream.rows)
        for place, window in enumerate(windows)
    ]
    started = perf_counter()
    reports = [mw.compare(baseline, current) for current in currents]
    verdicts.seconds[stream.name] = (perf_counter() - started) / len(currents)
    if stream.is_joint:
        _add_joint(stream, reports, verdicts)
        return
    features = [list(report.features.values()) for report in reports]
    for kind, severities in (("drift", {"drift"}), ("warning or drift", {"warning", "drift"})):
        found = [[item.severity in severities for item in row] for row in features]
        verdicts.add(kind, stream.name, found)
    evident = [
        [item.q_value is not None and item.q_value <= EVIDENCE for item in row] for row in features
    ]
    verdicts.add("evidence", stream.name, evident)


def _add_joint(stream: Stream, reports: list[mw.DriftReport], verdicts: ToolVerdicts) -> None:
    """Add what the reports say of the columns together, one kind of verdict a statistic."""
    together = [getattr(report, "multivariate", {}) for report in reports]
    for name in together[0]:
        p_values = [found[name].p_value for found in together]
        verdicts.add(name, stream.name, [[p is not None and p <= EVIDENCE] for p in p_values])


def main(data: str, output: str) -> None:
    """Judge all streams."""
    verdicts = ToolVerdicts(tool=f"modelwatch {mw.__version__}")
    for stream, reference, windows in read(Path(data)):
        judge(stream, reference, windows, verdicts)
    verdicts.save(Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
