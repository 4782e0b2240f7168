from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import numpy as np
import polars as pl
import pytest

from modelwatch.cli import main

ROWS = 4_000


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide terminal without colours, whatever runs the tests."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command in this process and return what it left behind."""

    def run_command(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, captured.out, captured.err)

    return run_command


def churn_frame(seed: int, *, older_by: float = 0.0) -> pl.DataFrame:
    """Return rows of a model with one numeric and one categorical feature and a score."""
    generator = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": generator.normal(40 + older_by, 10, ROWS),
            "plan": generator.choice(["basic", "pro"], ROWS),
            "score": generator.uniform(0, 1, ROWS),
        }
    )


@pytest.fixture
def training_file(tmp_path: Path) -> Path:
    """A CSV file of training data."""
    path = tmp_path / "train.csv"
    churn_frame(1).write_csv(path)
    return path


@pytest.fixture
def calm_file(tmp_path: Path) -> Path:
    """A Parquet file of data like that of the training."""
    path = tmp_path / "calm.parquet"
    churn_frame(2).write_parquet(path)
    return path


@pytest.fixture
def drifted_file(tmp_path: Path) -> Path:
    """An Arrow file of data whose ages have moved by nearly a standard deviation."""
    path = tmp_path / "drifted.arrow"
    churn_frame(3, older_by=9).write_ipc(path)
    return path


@pytest.fixture
def baseline_file(run: Run, training_file: Path, tmp_path: Path) -> Path:
    """A baseline built from the training file, by the command."""
    path = tmp_path / "churn.json"
    built = run(
        "baseline", "build", training_file, "-o", path, "--model", "churn", "--version", "3",
        "--score", "score",
    )  # fmt: skip
    assert built.status == 0, built.err
    assert json.loads(path.read_text())
    return path


@pytest.fixture
def running_collector(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The addresses ``otlp`` and ``pages`` of a collector that runs in a thread of its own."""
    from modelwatch.collector.app import Addresses, CollectorOptions, serve

    found: Queue[Addresses] = Queue()
    options = CollectorOptions(
        store_path=tmp_path / "store.sqlite", otlp_http_port=0, api_port=0, window_seconds=60
    )
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=loop.run_until_complete, args=[serve(options, stop=stop, ready=found.put)]
    )
    thread.start()
    addresses = found.get(timeout=30)
    yield {"otlp": addresses.otlp_http, "pages": addresses.pages}
    loop.call_soon_threadsafe(stop.set)
    thread.join(timeout=30)
    loop.close()
