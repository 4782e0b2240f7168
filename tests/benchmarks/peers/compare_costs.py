"""Measure what every tool costs on the same rows, in turn, and write one table.

Run as ``python -m tests.benchmarks.peers.compare_costs .peers``, or as ``make peer-costs``, which
makes the environments in that folder. Each tool runs several times in a process of its own,
alternating with the others; medians are given.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.peers.costs import Cost

PEERS = ("bentoml", "whylogs")
TARGETS = {"bentoml": 20, "whylogs": 100}
ROUNDS = 3
LIMIT_SECONDS = 600.0
RESULTS = Path(__file__).with_name("costs.md")


def measured(folder: Path, name: str) -> Cost:
    """Run a tool's script with its own interpreter, and read what it measured."""
    ours = name == "our"
    python = Path(sys.executable) if ours else folder / name / "bin" / "python"
    output = folder / f"{name}_cost.json"
    module = f"tests.benchmarks.peers.{name}_cost"
    subprocess.run([str(python), "-m", module, str(output)], timeout=LIMIT_SECONDS, check=True)
    return Cost.load(output)


def document(rounds: Mapping[str, Sequence[Cost]]) -> str:
    """Return the Markdown document.

    Args:
        rounds: what each tool measured in each round; ours is ``our``.
    """
    medians = {
        name: statistics.median(cost.microseconds for cost in costs)
        for name, costs in rounds.items()
    }
    lines = [
        "# What other tools cost beside ours",
        "",
        "Made by `make peer-costs`. All CPU of the process for a row of 22 floats, 2 integers and",
        f"6 texts, and a score; the medians of {ROUNDS} runs in turn. BentoML logs each feature to",
        "its default monitor, which writes a file; whylogs tracks it in one long-lived profile",
        "and uploads nothing; ours checks the row, folds it, and exports each second, compressed.",
        "",
        "| tool | us a row | multiple of ours | target |",
        "| --- | --- | --- | --- |",
    ]
    for name, costs in rounds.items():
        target = f"at least {TARGETS[name]}" if name in TARGETS else ""
        ratio = medians[name] / medians["our"]
        lines.append(f"| {costs[0].tool} | {medians[name]:.1f} | {ratio:.1f} | {target} |")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Measure in turn, and write the table."""
    rounds: dict[str, list[Cost]] = {name: [] for name in (*PEERS, "our")}
    for _ in range(ROUNDS):
        for name, costs in rounds.items():
            print(f"modelwatch: measuring {name}", flush=True)
            costs.append(measured(folder, name))
    RESULTS.write_text(document(rounds), encoding="utf-8")
    print(f"modelwatch: the table is in {RESULTS.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
