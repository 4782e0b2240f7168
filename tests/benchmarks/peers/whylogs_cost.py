"""What whylogs' long-lived profile costs for each row; runs in whylogs' own environment.

Run as ``python -m tests.benchmarks.peers.whylogs_cost cost.json``. One profile tracks each row as
it comes, as a service would have it between two uploads.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.feature_rows import cpu_microseconds, draw_rows
from tests.benchmarks.peers.costs import Cost

TIMES = 1


def main(output: str) -> None:
    """Measure, and leave the figure in a file."""
    from whylogs.core import DatasetProfile

    rows = draw_rows()
    profile = DatasetProfile()
    cost = cpu_microseconds(lambda row: profile.track(row | {"score": 0.5}), rows, TIMES)
    counted = profile.view().get_column("float_0").get_metric("counts").n.value
    assert counted == TIMES * len(rows), f"{counted} rows were counted"
    Cost(tool=f"whylogs {version('whylogs')}", microseconds=cost).save(Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
