"""What a watch costs the process for each row, export included; runs in our own environment.

Run as ``python -m tests.benchmarks.peers.our_cost cost.json``. Measured as
``tests/benchmarks/bench_process_cost.py`` does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from modelwatch import __version__
from tests.benchmarks.bench_process_cost import measure
from tests.benchmarks.peers.costs import Cost


def main(output: str) -> None:
    """Measure, and leave the figure in a file."""
    cost = measure()["watched"]
    Cost(tool=f"modelwatch {__version__}", microseconds=cost).save(Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
