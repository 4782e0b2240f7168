"""Let every tool judge the same streams, each in its own environment, and write one table.

Run as ``python -m tests.benchmarks.peers.compare_peers .peers``, or as ``make peers``, which makes
the environments in that folder; with ``--ours``, only ours is run again, beside what the others
said before. Of a tool that takes too long, the streams that it had judged by then are shown; a tool
that fails ends the run with its error.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.peers.streams import write
from tests.benchmarks.peers.verdict_table import document
from tests.benchmarks.peers.verdicts import ToolVerdicts

PEERS = ("evidently", "nannyml")
LIMIT_SECONDS = 600.0
RESULTS = Path(__file__).with_name("results.md")


def judged(python: Path, name: str, data: Path, output: Path) -> ToolVerdicts:
    """Run a tool's script with its own interpreter, and read what it wrote."""
    print(f"modelwatch: {name} judges the streams", flush=True)
    module = f"tests.benchmarks.peers.{name}_verdicts"
    command = [str(python), "-m", module, str(data), str(output)]
    output.unlink(missing_ok=True)
    try:
        subprocess.run(command, timeout=LIMIT_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        print(f"modelwatch: {name} was stopped after {LIMIT_SECONDS:g} seconds", file=sys.stderr)
    return ToolVerdicts.load(output)


def main(folder: Path, *, only_ours: bool) -> None:
    """Draw the streams, let all judge, and write the table."""
    data = folder / "data.npz"
    write(data)
    outputs = {name: folder / f"{name}.json" for name in PEERS}
    if not only_ours:
        for name, output in outputs.items():
            judged(folder / name / "bin" / "python", name, data, output)
    peers = [ToolVerdicts.load(output) for output in outputs.values()]
    ours = judged(Path(sys.executable), "our", data, folder / "our.json")
    RESULTS.write_text(document(peers, ours), encoding="utf-8")
    print(f"modelwatch: the table is in {RESULTS.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), only_ours="--ours" in sys.argv[2:])
