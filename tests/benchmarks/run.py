"""Run every benchmark in a process of its own and write what they measured as one table.

Run as ``python tests/benchmarks/run.py [name ...]``; without names, all ``bench_*.py`` beside this
file. A benchmark has a function ``figures()`` that returns rows of (what, target, measured); of one
that has none, the last lines of what its ``main()`` prints are shown. A benchmark that fails is
named, the others go on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

__all__ = ["Outcome", "main", "run", "table"]

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
RESULTS = FOLDER / "results.md"
LIMIT_SECONDS = 600.0
PRINTED_LINES = 6
Row = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one benchmark came to.

    Attributes:
        name: the script's file name.
        rows: what, target and measured.
        failure: why there are no rows, in a few words; None where it went well.
    """

    name: str
    rows: tuple[Row, ...] = ()
    failure: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Run the benchmarks and write one table.")
    parser.add_argument("names", nargs="*", help="file names; all benchmarks without")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the benchmarks are")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the table to write")
    parser.add_argument("--made-by", default="make bench", help="what the table says it is made by")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.into is not None:
        _measure(options.folder / options.names[0], options.into)
        return 0
    names = options.names or sorted(path.name for path in options.folder.glob("bench_*.py"))
    outcomes = [run(options.folder / name) for name in names]
    failed = [outcome.name for outcome in outcomes if outcome.failure is not None]
    if not options.names or options.results != RESULTS:  # a part must not replace the whole
        options.results.write_text(table(outcomes, options.made_by), encoding="utf-8")
        print(f"modelwatch: the table is in {options.results.name}")
    if failed:
        print(f"modelwatch: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(script: Path) -> Outcome:
    """Run one benchmark in a process of its own, and print its rows."""
    print(f"modelwatch: {script.name}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        into = Path(scratch) / "rows.json"
        outcome = _run(script, into)
    for row in outcome.rows:
        print(f"  {_line(row)}", flush=True)
    if outcome.failure is not None:
        print(f"  {outcome.failure}", file=sys.stderr, flush=True)
    return outcome


def table(outcomes: Sequence[Outcome], made_by: str) -> str:
    """Return the Markdown document; `made_by` is the command that makes it."""
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    made = f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    lines = [
        "# What the benchmarks measured",
        "",
        f"{machine}, {made}. Made by `{made_by}`.",
        "",
        "| benchmark | what | target | measured |",
        "|---|---|---|---|",
    ]
    for outcome in outcomes:
        rows = outcome.rows or (("(the whole)", "", f"FAILED: {outcome.failure}"),)
        for row in rows:
            cells = " | ".join(_cell(text) for text in (outcome.name, *row))
            lines.append(f"| {cells} |")
    return "\n".join(lines) + "\n"


def _run(script: Path, into: Path) -> Outcome:
    command = [sys.executable, __file__, script.name, "--folder", str(script.parent)]
    paths = [str(ROOT), str(script.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        code = subprocess.run(
            [*command, "--into", str(into)], env=environment, timeout=LIMIT_SECONDS, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return Outcome(name=script.name, failure=f"took more than {LIMIT_SECONDS:g} seconds")
    if code or not into.exists():
        return Outcome(name=script.name, failure=f"exit code {code}")
    rows = tuple((what, target, found) for what, target, found in json.loads(into.read_text()))
    return Outcome(name=script.name, rows=rows)


def _measure(script: Path, into: Path) -> None:
    """Measure in this process, and leave the rows in a file."""
    module = _load(script)
    figures = getattr(module, "figures", None)
    rows = figures() if figures is not None else _printed(module)
    into.write_text(json.dumps(rows), encoding="utf-8")


def _load(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{script} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def _printed(module: ModuleType) -> list[Row]:
    """Return the last lines that a benchmark without figures prints."""
    entry = getattr(module, "main", None)
    if entry is None:
        raise AttributeError(f"{module.__name__} has neither figures() nor main().")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        entry()
    lines = [line.strip() for line in output.getvalue().splitlines() if line.strip()]
    return [("(printed)", "", line) for line in lines[-PRINTED_LINES:]]


def _line(row: Row) -> str:
    what, target, measured = row
    return f"{what}: {measured}" + (f" (target: {target})" if target else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
