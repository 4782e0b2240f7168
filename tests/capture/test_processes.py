from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import plain_http
from tests.capture.processes.recording import DEADLINE_SECONDS, FORKS
from tests.capture.processes.sent_files import Sent, read_sent
from tests.cli.conftest import running_collector

__all__ = ["running_collector"]

ROOT = Path(__file__).parents[2]


def run_scenario(name: str, folder: Path, *more: str) -> dict[int, int]:
    """Run a script to its end; return the calls that each process made."""
    command = [sys.executable, "-m", "tests.capture.processes.recording", name, str(folder), *more]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        # A busy machine needs its time.
        env={**os.environ, "MODELWATCH_EXIT_TIMEOUT": "60"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS + 60.0,
        check=False,
    )
    print(ended.stderr)
    assert ended.returncode == 0
    assert "fault of its own" not in ended.stderr
    made = json.loads((folder / "expected.json").read_text())
    return {int(process): calls for process, calls in made.items()}


def check_children(sent: dict[int, Sent], expected: dict[int, int]) -> None:
    """Compare what each process has sent with the calls it made."""
    assert sent.keys() == expected.keys()
    assert {process: found.rows for process, found in sent.items()} == expected
    assert {process: found.calls for process, found in sent.items()} == {
        process: Counter({"": calls}) for process, calls in expected.items()
    }
    assert not any(found.dropped for found in sent.values())
    for process, calls in expected.items():
        check_known(process, sent[process])
        assert sent[process].known.total() == calls
    assert {len(found.instances) for found in sent.values()} == {1}
    assert len(set().union(*(found.instances for found in sent.values()))) == len(expected)


def check_known(process: int, sent: Sent) -> None:
    """Check that a process has told each of its predictions and labels once, and nobody else's."""
    for told in (sent.known, sent.labels):
        assert {one.partition("-")[0] for one in told} <= {str(process)}
        assert set(told.values()) <= {1}


@pytest.mark.slow
def test_forks_while_recording_count_exactly(tmp_path: Path) -> None:
    """Of 300 forks in the midst of everything none hangs, and each process sends its own alone.

    Threads record rows, failures, batches and counts and flush, with a switch interval of a
    microsecond: a lock of any of them may be held at the moment of a fork.
    """
    expected = run_scenario("forks", tmp_path)
    sent = read_sent(tmp_path)
    process, *others = [process for process in sent if "parent" in sent[process].makers]
    assert others == []
    parent = sent.pop(process)
    assert parent.makers == {"parent": parent.rows}
    assert parent.calls.total() == expected.pop(process)
    rows = json.loads((tmp_path / "parent_rows.json").read_text())
    assert parent.rows + parent.dropped.total() == rows
    assert parent.dropped.keys() <= {"buffer_full"}
    assert parent.rows > FORKS
    check_known(process, parent)
    assert parent.known == parent.labels
    assert parent.known.total() > FORKS
    check_children(sent, expected)
    assert {tuple(found.makers) for found in sent.values()} == {("child",)}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["fork", "forkserver", "spawn", "generations"])
def test_processes_of_every_kind_count_exactly(tmp_path: Path, scenario: str) -> None:
    """Children of multiprocessing, of pools and of children send what they recorded, once.

    So do those that shut the watch down and then leave without an orderly exit; those that only
    leave lose what they recorded, and nobody else sends it.
    """
    expected = run_scenario(scenario, tmp_path)
    check_children(read_sent(tmp_path), expected)


@pytest.mark.slow
def test_a_receiver_counts_each_process_once(
    tmp_path: Path, running_collector: dict[str, str]
) -> None:
    """Forked children open connections of their own: a real collector has each row once."""
    expected = run_scenario("forks_to_endpoint", tmp_path, running_collector["otlp"])
    rows = json.loads((tmp_path / "parent_rows.json").read_text())
    (parent,) = expected.keys() - {p for p, calls in expected.items() if calls <= 7}
    children = sum(calls for process, calls in expected.items() if process != parent)
    (model,) = plain_http.get(f"{running_collector['pages']}/api/v1/models").json()["models"]
    assert model["versions"][0]["rows"] == rows + children
