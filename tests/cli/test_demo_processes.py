from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelwatch.cli import demo_processes
from modelwatch.cli.demo_processes import Processes, one_interrupt
from modelwatch.errors import DemoFailed

SLEEP = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Processes with their logs in a folder of the test."""
    with Processes(tmp_path, os.environ) as running:
        yield running


def python(code: str) -> list[str]:
    """Return the command that runs the code."""
    return [sys.executable, "-c", code]


def said(log: Path) -> str:
    """Return what a process has printed so far."""
    return log.read_text() if log.is_file() else ""


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_process_that_ends_is_reported_with_its_log(processes: Processes) -> None:
    """Who waits for a dead process learns what it said last, not that time ran out."""
    processes.start("the thing", python("raise SystemExit('it broke')"))
    with pytest.raises(DemoFailed, match=r"(?s)the thing ended with status 1.*it broke"):
        processes.wait_until(lambda: False, what="readiness", timeout_seconds=60)


def test_waiting_has_an_end(processes: Processes, tmp_path: Path) -> None:
    """What never gets ready is given up, with the logs so far."""
    processes.start("slow", python(SLEEP))
    processes.wait_until(
        lambda: "ready" in said(tmp_path / "slow.log"), what="a start", timeout_seconds=30
    )
    with pytest.raises(DemoFailed, match=r"(?s)readiness: not within 0 s.*ready"):
        processes.wait_until(lambda: False, what="readiness", timeout_seconds=0)


def test_children_end_with_their_parent(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left running: neither a worker of a server nor one that ignores SIGTERM."""
    monkeypatch.setattr(demo_processes, "STOP_SECONDS", 0.2)
    log = tmp_path / "parent.log"
    processes.start("parent", python(PARENT))
    processes.wait_until(lambda: said(log).endswith("\n"), what="a child", timeout_seconds=30)
    child = int(said(log))
    assert is_alive(child)
    processes.stop()
    processes.wait_until(lambda: not is_alive(child), what="its end", timeout_seconds=30)


def test_a_command_that_fails_is_named(processes: Processes) -> None:
    """A step that fails ends the demo with its name and status."""
    with pytest.raises(DemoFailed, match="training ended with status 3"):
        processes.complete("training", python("raise SystemExit(3)"))


def test_a_service_that_dies_under_a_command_ends_it(processes: Processes) -> None:
    """A long replay is not waited for when the service it talks to is gone."""
    processes.start("service", python("raise SystemExit(5)"))
    with pytest.raises(DemoFailed, match="service ended with status 5"):
        processes.complete("replay", python(SLEEP))


def test_an_environment_is_its_processes_own(processes: Processes, tmp_path: Path) -> None:
    """Variables given for one process reach it."""
    code = f"import os; print(os.environ['COLOUR'], flush=True); {SLEEP}"
    processes.start("painter", python(code), environment={"COLOUR": "red"})
    processes.wait_until(
        lambda: "red" in said(tmp_path / "painter.log"), what="red", timeout_seconds=30
    )
    assert said(tmp_path / "painter.log").startswith("red")


def test_the_first_interrupt_ends_and_the_second_is_ignored() -> None:
    """Ctrl-C or SIGTERM ends the demo, and a second one does not cut its cleaning up short."""
    before = signal.getsignal(signal.SIGTERM)
    with one_interrupt():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
