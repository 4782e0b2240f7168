"""What BentoML's monitoring costs the process for each row; runs in BentoML's own environment.

Run as ``python -m tests.benchmarks.peers.bentoml_cost cost.json``. One record a prediction, each
feature logged by name and type to the default monitor, which writes it as JSON into a file.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.feature_rows import Row, cpu_microseconds, draw_rows
from tests.benchmarks.peers.costs import Cost

TIMES = 2


def main(output: str) -> None:
    """Measure, and leave the figure in a file."""
    import bentoml

    rows = draw_rows()
    kinds = {
        name: "categorical" if isinstance(value, str) else "numerical"
        for name, value in rows[0].items()
    }

    def record(row: Row) -> None:
        with bentoml.monitor("bench") as monitor:
            for name, value in row.items():
                monitor.log(value, name=name, role="feature", data_type=kinds[name])
            monitor.log(0.5, name="score", role="prediction", data_type="numerical")

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        cost = cpu_microseconds(record, rows, TIMES)
        written = list(Path(folder).rglob("data*.log*"))
        lines = sum(len(path.read_text().splitlines()) for path in written)
    recorded: Any = TIMES * len(rows)
    assert lines == recorded, f"{lines} rows were written, not {recorded}"
    Cost(tool=f"bentoml.monitor {version('bentoml')}", microseconds=cost).save(Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
