"""The processes of the demo: started with a log each, watched, and always stopped, in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from modelwatch.errors import DemoFailed

__all__ = ["Processes", "one_interrupt"]

STOP_SECONDS = 10.0
"""How long a process has to end after SIGTERM before it is killed."""

TAIL_LINES = 20
POLL_SECONDS = 0.1


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a KeyboardInterrupt, and ignore further ones.

    So that no second Ctrl-C cuts the cleaning up short.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class _Running:
    name: str
    process: subprocess.Popen[bytes]
    log: Path | None


class Processes:
    """Starts processes and stops all of them, in the reverse order, when the block is left.

    Each leads a process group of its own, so that its children end with it, and a Ctrl-C at the
    terminal reaches the demo alone, which then stops them in order.

    Args:
        folder: where the logs are written, one file per process.
        environment: the environment variables of every process.

    Thread-safety: none; for the one thread that tells the story.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._running: list[_Running] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a process that runs until `stop`; what it prints goes to its log.

        Args:
            name: what it is called in messages; names the log too.
            command: the program and its arguments.
            environment: variables for this process alone, besides those of all.
        """
        log = self._folder / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as output:
            self._running.append(
                self._spawn(name, command, environment or {}, output.fileno(), log)
            )

    def complete(self, name: str, command: Sequence[str]) -> None:
        """Run a process to its end; what it prints appears in the terminal.

        Raises:
            DemoFailed: it failed, or one of the processes started before it ended.
        """
        running = self._spawn(name, command, {}, None, None)
        self._running.append(running)
        while (status := running.process.poll()) is None:
            self._check_others(running)
            time.sleep(POLL_SECONDS)
        self._running.remove(running)
        if status:
            raise DemoFailed(f"{name} ended with status {status}; what it said is above.")

    def wait_until(self, ready: Callable[[], bool], *, what: str, timeout_seconds: float) -> None:
        """Ask again and again until ``ready`` says yes.

        Raises:
            DemoFailed: not in time, or one of the processes ended.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"{what}: not within {timeout_seconds:g} s.\n{self._tails()}")
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise `DemoFailed`, with the end of its log, where a process has ended."""
        self._check_others(None)

    def stop(self) -> None:
        """Stop every process: SIGTERM, and SIGKILL to what is left after `STOP_SECONDS`."""
        for running in reversed(self._running):
            _signal_group(running.process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(STOP_SECONDS)
            _signal_group(running.process, signal.SIGKILL)
            running.process.wait()
        self._running.clear()

    def _spawn(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: int | None,
        log: Path | None,
    ) -> _Running:
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
        )
        return _Running(name, process, log)

    def _check_others(self, one: _Running | None) -> None:
        for running in self._running:
            if running is not one and running.process.poll() is not None:
                status = running.process.returncode
                raise DemoFailed(f"{running.name} ended with status {status}.\n{_tail(running)}")

    def _tails(self) -> str:
        return "\n".join(_tail(running) for running in self._running)


def _tail(running: _Running) -> str:
    if running.log is None:
        return ""
    lines = running.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"the end of its log ({running.name}):", *(f"  {line}" for line in lines)])


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the process and its children; what has ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
