from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.run import main

GOOD = """
def figures():
    return [("how fast", "1 s", "0.5 s"), ("a | b", "", "2")]
"""
PRINTING = """
def main():
    print("first")
    print("0.3 ms, 2 x")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one benchmark that works."""
    (tmp_path / "bench_good.py").write_text(GOOD)
    return tmp_path


def results_of(folder: Path) -> tuple[int, str]:
    """Run the folder's benchmarks; return the exit code and the table."""
    results = folder / "results.md"
    code = main(["--folder", str(folder), "--results", str(results)])
    return code, results.read_text()


def test_figures_become_rows(folder: Path) -> None:
    """Each figure is one row with its file; a bar in a text does not end the cell."""
    code, text = results_of(folder)
    assert code == 0
    assert "| bench_good.py | how fast | 1 s | 0.5 s |" in text
    assert "| bench_good.py | a \\| b |  | 2 |" in text
    assert str(folder) not in text


def test_a_failing_script_is_named(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One failure is reported by its file name, the others still run, and the exit code is 1."""
    (folder / "bench_broken.py").write_text("def figures():\n    raise ValueError('no data')\n")
    code, text = results_of(folder)
    assert code == 1
    assert "| bench_broken.py | (the whole) |  | FAILED: exit code 1 |" in text
    assert "0.5 s" in text
    errors = capfd.readouterr().err
    assert "no data" in errors
    assert "failed: bench_broken.py" in errors


def test_a_script_that_leaves_early_is_a_failure(folder: Path) -> None:
    """A script that ends its process without an error is not taken for one that measured."""
    (folder / "bench_gone.py").write_text("import os\nos._exit(0)\n")
    code, text = results_of(folder)
    assert code == 1
    assert "| bench_gone.py | (the whole) |  | FAILED: exit code 0 |" in text


def test_a_script_without_figures_shows_what_it_prints(folder: Path) -> None:
    """The last printed lines stand in for the rows that are not there."""
    (folder / "bench_prints.py").write_text(PRINTING)
    code, text = results_of(folder)
    assert code == 0
    assert "| bench_prints.py | (printed) |  | 0.3 ms, 2 x |" in text
