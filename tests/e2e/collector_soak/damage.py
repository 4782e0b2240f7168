"""Faults of the disk under `modelwatch collector` itself, and how a user gets over them.

A file system of its own that runs full and turns read-only needs the right to mount one; without
it, that part is left out and said to be.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.e2e.collector_soak.checks import require_counted_once, require_merged_once, soon
from tests.e2e.collector_soak.fleet import MODELS, Export, Fleet
from tests.e2e.collector_soak.load import Load
from tests.e2e.collector_soak.process import CollectorProcess

__all__ = ["Damage", "mounted"]

_COMMAND = [sys.executable, "-c", "from modelwatch.cli import main; main()"]
PAGE_BYTES = 8_192
REPLICAS = 120


@contextlib.contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a file system of a size; yield whether that was possible."""
    folder.mkdir()
    made = _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    if os.geteuid() != 0:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


class _Commanded(CollectorProcess):
    """A collector as a user starts it."""

    def command(self) -> list[str]:
        return [
            *_COMMAND, "collector", "--store", str(self.store), "--evaluation-interval", "1s",
            "--otlp-http-port", str(self.otlp_port), "--api-port", str(self.api_port),
            "--otlp-grpc-port", "0",
        ]  # fmt: skip

    def refuses_to_start(self) -> str:
        """Return what is said where it cannot start."""
        done = subprocess.run(self.command(), capture_output=True, check=False, timeout=60)
        assert done.returncode == 2, (done.returncode, done.stderr)
        return done.stderr.decode().replace(str(self.store), "STORE")


@dataclass
class Damage:
    """The scenarios, each on a store of its own.

    Attributes:
        said: what users were told of each fault.
        not_tried: faults for which rights were missing.
    """

    folder: Path
    said: dict[str, str] = field(default_factory=dict)
    not_tried: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._fleet = Fleet(REPLICAS)
        self._end_ns = time.time_ns() // 10**9 * 10**9

    async def run_disk(self) -> None:
        """Let a disk run full and turn read-only, and cure it.

        Raises:
            AssertionError: a fault was not said, or something was lost or counted twice.
        """
        with mounted(self.folder / "disk", 10) as is_mounted:
            if is_mounted:
                await self._small_disk(self.folder / "disk")
            else:
                self.not_tried += ["a full disk", "a read-only disk"]

    async def _small_disk(self, disk: Path) -> None:
        collector = _Commanded(disk)
        collector.log = self.folder / "disk.log"
        load = Load(collector.otlp_port)
        exports = self._exports(12)
        collector.start()
        async with self._ended(collector):
            async with self._refusing(load, exports, collector, "a full disk"):
                assert _mount("-o", "remount,size=64m", str(disk))
            await require_counted_once(collector, load, "a full disk")
            sending = asyncio.create_task(load.send(self._exports(2)))
            assert await asyncio.to_thread(collector.terminate) == 0
            assert _mount("-o", "remount,ro", str(disk))
            self.said["a read-only disk"] = await asyncio.to_thread(collector.refuses_to_start)
            assert _mount("-o", "remount,rw", str(disk))
            collector.start()
            await sending
            await require_counted_once(collector, load, "a read-only disk")
            await require_merged_once(collector, load, days=2)
        assert "is sound" in _modelwatch("store", "check", str(collector.store))

    @contextlib.asynccontextmanager
    async def _refusing(
        self, load: Load, exports: list[Export], collector: CollectorProcess, fault: str
    ) -> AsyncIterator[None]:
        """Send until exports are refused; the block cures that, and then all is acknowledged."""
        sending = asyncio.create_task(load.send(exports))
        await load.refused_some()
        async with httpx.AsyncClient(verify=False, timeout=60) as client:

            async def still_ready() -> str:
                ready = await client.get(f"{collector.api}/readyz")
                self.said[fault] = f"`/readyz`: {ready.text.strip()}"
                return "" if ready.status_code == 503 else ready.text

            await soon(still_ready)
            page = await client.get(f"{collector.api}/api/v1/models")
        assert page.status_code == 200, page.text
        yield
        await sending

    async def run_pages(self) -> None:
        """Damage pages of the file, and cure that by a backup.

        Raises:
            AssertionError: the damage was not said, or something was lost or counted twice.
        """
        folder = self.folder / "pages"
        folder.mkdir()
        collector = _Commanded(folder)
        load = Load(collector.otlp_port)
        before, after = self._exports(4), self._exports(2)
        copy = folder / "backup.sqlite"
        collector.start()
        async with self._ended(collector):
            await load.send(before)
            _modelwatch("store", "backup", str(collector.store), str(copy))
            await load.send(after)
            assert collector.terminate() == 0
            _overwrite_pages(collector.store)
            told = _modelwatch("store", "check", str(collector.store), status=1)
            assert "is damaged" in told, told
            collector.start()
            found = f"`modelwatch store check` tells {len(told.splitlines()) - 1} problems"
            self.said["corrupt pages"] = f"{found}; {await self._answers(collector)}"
            collector.terminate()
            for file in folder.glob("store.sqlite*"):
                file.unlink()
            copy.rename(collector.store)
            collector.start()
            await load.send([*after, *before])
            await require_counted_once(collector, load, "a backup put in place")
            await require_merged_once(collector, load, days=2)
        assert "is sound" in _modelwatch("store", "check", str(collector.store))

    async def _answers(self, collector: CollectorProcess) -> str:
        """Return what is answered where pages are damaged; it is never a 500."""
        found = []
        async with httpx.AsyncClient(verify=False, timeout=60) as client:
            for path in ("/captured?window=1h", "/instances?window=1h", "/windows"):
                answer = await client.get(collector.version(MODELS[0], path))
                assert answer.status_code in (200, 503), answer.text
                found.append(f"{path.partition('?')[0]}: {answer.status_code}")
        return ", ".join(found)

    @contextlib.asynccontextmanager
    async def _ended(self, collector: CollectorProcess) -> AsyncIterator[None]:
        try:
            yield
            assert collector.terminate() == 0
        finally:
            collector.kill()

    def _exports(self, intervals: int) -> list[Export]:
        """Return exports of the minutes before those that were returned before."""
        found: list[Export] = []
        for _ in range(intervals):
            self._end_ns -= 60 * 10**9
            found += self._fleet.step(0, end_ns=self._end_ns, interval_seconds=60, drifts=False)
        return found + self._fleet.rest()


def _overwrite_pages(store: Path) -> None:
    """Overwrite the second half of a file but for its last pages, every third page of it."""
    pages = store.stat().st_size // PAGE_BYTES
    with store.open("r+b") as file:
        for page in range(pages // 2, pages, 3):
            file.seek(page * PAGE_BYTES)
            file.write(b"\xff" * 64)


def _modelwatch(*arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [*_COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr
