"""What a container runs, run as a process: no container engine is needed.

Paths of the container are those of a folder of the test, ports are free ones of the loopback, and
where the container's root is read-only, so is everything but what is mounted into it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests import plain_http

__all__ = ["OF_UVICORN", "ROOT", "Container", "collector_flags", "expanded", "run", "started"]

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0

OF_UVICORN = (0, -signal.SIGTERM)
"""Statuses: once it has stopped in good order, uvicorn raises the signal again."""

READ_ONLY = """
for folder in $WRITABLE; do mount --bind "$folder" "$folder"; done
mount -o remount,bind,ro /
exec "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container.

    Attributes:
        command: what it runs.
        paths: where each of its paths and addresses is on this machine.
        writable: folders of this machine that it may write to; None where it may to all.
        environment: variables, besides those of this process.
        folder: where it runs.
    """

    command: Sequence[str]
    paths: Mapping[str, Path | str] = field(default_factory=dict)
    writable: Sequence[Path] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT

    def words(self) -> list[str]:
        """Return what is run on this machine."""
        words = list(map(self._here, self.command))
        if self.writable is None:
            return words
        return ["unshare", "--mount", "--map-root-user", "sh", "-euc", READ_ONLY, "sh", *words]

    def variables(self) -> dict[str, str]:
        """Return the environment of the process; programs are those beside this Python."""
        own = {name: self._here(value) for name, value in self.environment.items()}
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "integrations")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WRITABLE": " ".join(map(str, self.writable or ())),
            **own,
        }

    def _here(self, text: str) -> str:
        for inside, outside in self.paths.items():
            text = text.replace(inside, str(outside))
        return text


def run(container: Container) -> str:
    """Run a container to its end, which must be a good one; return what it printed."""
    done = subprocess.run(
        container.words(),
        cwd=container.folder,
        env=container.variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def started(
    container: Container,
    ready: str,
    log: Path,
    *,
    grace_seconds: float,
    statuses: Sequence[int] = (0,),
) -> Iterator[None]:
    """Run a container while the block runs; afterwards it must end well on SIGTERM.

    Args:
        container: what is run.
        ready: an address that answers well once it is ready.
        log: takes what it prints.
        grace_seconds: how long it may take to end.
        statuses: with what it may end.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            container.words(),
            cwd=container.folder,
            env=container.variables(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(ready, process, log)
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(grace_seconds) in statuses, log.read_text()
    finally:
        process.kill()
        process.wait()


def expanded(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables with $(NAME) replaced by the variable of that name, as a kubelet does."""
    found: dict[str, str] = {}
    for name, value in variables.items():
        for other, told in found.items():
            value = value.replace(f"$({other})", told)
        found[name] = value
    return found


def collector_flags() -> str:
    """Return the help of ``modelwatch collector``."""
    return run(
        Container(command=["modelwatch", "collector", "--help"], environment={"COLUMNS": "200"})
    )


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if plain_http.get(address).is_success:
                return
        pause.wait(0.05)
    raise AssertionError(f"{address} does not answer: {log.read_text()}")
