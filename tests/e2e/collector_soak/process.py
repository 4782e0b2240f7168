"""The collector's process: started, ended in every way, and its memory."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from modelwatch.collector.serving.encoded_paths import path_of
from tests.server_process import PATIENCE_SECONDS, free_port

__all__ = ["CollectorProcess", "Memory"]

PROGRAM = "tests.e2e.collector_soak.served_collector"
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory of a process, in megabytes: resident, its share of what it shares, and its own."""

    rss: float
    pss: float
    uss: float


class CollectorProcess:
    """A collector that can be started again on the same store and ports.

    Args:
        folder: where its store, clock and log are.
    """

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store.sqlite"
        self.clock = folder / "clock"
        self.log = folder / "collector.log"
        self.otlp_port, self.api_port = free_port(), free_port()
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def api(self) -> str:
        """Where the API and the pages are."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None
        return self._process.pid

    def version(self, model: str, rest: str = "") -> str:
        """Return an address below a model version."""
        return f"{self.api}/api/v1{path_of('models', model, 'versions', '3')}{rest}"

    def command(self) -> list[str]:
        """Return what starts it."""
        ports = (str(self.otlp_port), str(self.api_port))
        return [sys.executable, "-m", PROGRAM, str(self.store), str(self.clock), *ports]

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(b"modelwatch collector: OTLP"), self.log.read_text()[-2_000:]
        self.starts += 1

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        assert self._process is not None
        self._process.kill()
        self._wait()

    def terminate(self) -> int:
        """End it in good order, and return its status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        status = self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()
        return status

    def memory(self) -> Memory:
        """Return what the process takes now."""
        told = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        kilobytes = {name: int(n) for name, n in re.findall(r"(\w+):\s+(\d+) kB", told)}
        own = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
        return Memory(rss=kilobytes["Rss"] / 1_024, pss=kilobytes["Pss"] / 1_024, uss=own / 1_024)

    def store_megabytes(self) -> float:
        """Return the size of the store's files."""
        files = self.store.parent.glob(f"{self.store.name}*")
        return sum(file.stat().st_size for file in files) / 2**20
