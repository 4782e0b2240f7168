from __future__ import annotations

import subprocess
import sys

import pytest

import modelwatch
from modelwatch.cli import application
from modelwatch.errors import DataError
from tests.cli.conftest import Run

COMMANDS = [
    ("baseline", "build"),
    ("baseline", "push"),
    ("baseline", "show"),
    ("collector",),
    ("compare",),
    ("demo",),
    ("doctor",),
    ("report",),
    ("skew",),
    ("status",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_explains_itself(run: Run, command: tuple[str, ...]) -> None:
    """Each command has a help text that shows how it is called."""
    explained = run(*command, "--help")
    assert explained.status == 0
    assert f"Usage: modelwatch {' '.join(command)}" in explained.out
    assert command == ("demo",) or f"  modelwatch {' '.join(command)}" in explained.out


def test_help_lists_every_command(run: Run) -> None:
    """The help of the program names every command."""
    explained = run("--help")
    assert explained.status == 0
    assert all(f" {command[0]} " in explained.out for command in COMMANDS)


def test_version(run: Run) -> None:
    """--version prints the version and nothing else."""
    assert run("--version").out == f"{modelwatch.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_offered(shell: str) -> None:
    """The program prints a completion script for the shell."""
    code = "from modelwatch.cli import main; main()"
    completed = subprocess.run(
        [sys.executable, "-c", code],
        env={"_MODELWATCH_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_MODELWATCH_COMPLETE" in completed.stdout


@pytest.mark.parametrize("words", [("no-such-command",), ("compare",), ("compare", "--nonsense")])
def test_wrong_usage_is_status_2(run: Run, words: tuple[str, ...]) -> None:
    """A command line that cannot be read ends with status 2 and a message on stderr."""
    outcome = run(*words)
    assert outcome.status == 2
    assert outcome.out == ""
    assert "Usage: modelwatch" in outcome.err


def test_our_error_is_one_line(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """An error of ours is one line on stderr, without a traceback, and status 2."""

    def fail(**_: object) -> None:
        raise DataError("there is no column 'age'.")

    monkeypatch.setattr(application, "application", fail)
    outcome = run("anything")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "error: there is no column 'age'.\n"


def test_a_crash_is_no_finding(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A fault of ours ends with status 2 and a traceback: status 1 is kept for findings."""

    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(application, "application", fail)
    outcome = run("anything")
    assert outcome.status == 2
    assert "Traceback" in outcome.err


def test_base_install_says_what_is_needed() -> None:
    """Without the collector's extra the program names the package to install, with status 2."""
    code = (
        "import sys; sys.modules['typer'] = None\nfrom modelwatch.cli import main; main(['--help'])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 2
    assert 'pip install "modelwatch[collector]"' in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_help_loads_nothing_heavy() -> None:
    """Showing the help loads no mathematics, no server and no HTTP client."""
    code = (
        "import sys\nfrom modelwatch.cli.application import run\nrun(['--help'])\n"
        "sys.exit(' '.join({'numpy', 'scipy', 'httpx', 'uvicorn', 'fastapi'} & set(sys.modules)))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert outcome.stderr.strip() == ""
