"""A process that joins under load is killed: nothing is lost, and nothing is counted twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import numpy as np

from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from tests.collector.outcomes.outcome_traffic import (
    DAY,
    MODEL,
    NOW_NS,
    SECOND,
    Clock,
    fraud_baseline,
    labels,
    predictions,
)

SIZE = 4_000
BATCH = 40
EVER = TimeWindow(0, (NOW_NS // DAY + 1) * DAY)

EARLIER_NS = NOW_NS - SECOND

PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.collector.outcomes.test_kills import send_all
asyncio.run(send_all(Path(sys.argv[1]), int(sys.argv[2])))
"""


def rows() -> tuple[list[str], list[float], list[str], list[int]]:
    """Return ids, scores, labels and times of predictions of some hours."""
    random = np.random.default_rng(11)
    scores = random.choice([0.1, 0.4, 0.6, 0.9], SIZE).tolist()
    truth = random.choice(["yes", "no"], SIZE).tolist()
    times = [NOW_NS - int(age) * SECOND for age in random.integers(0, 20_000, SIZE)]
    return [f"{n * 7919 % SIZE}" for n in range(SIZE)], scores, truth, times


def first_told(truth: list[str]) -> list[str]:
    """Return labels of which some are wrong."""
    return ["no" if n % 3 else one for n, one in enumerate(truth)]


async def send_all(path: Path, seed: int) -> None:
    """Send predictions, and labels of which a third is corrected, while all is summed up."""
    store = SqliteStore.open(path, clock=Clock())
    ids, scores, truth, times = rows()
    order = Random(seed).sample(range(0, SIZE, BATCH), SIZE // BATCH)
    done = asyncio.Event()

    async def predict() -> None:
        for first in range(0, SIZE, BATCH):
            some = slice(first, first + BATCH)
            for version in ("1", "2"):
                told = predictions(ids[some], scores[some], version=version, times_ns=times[some])
                await store.keep_predictions([told])

    async def label() -> None:
        for first in order:
            some = slice(first, first + BATCH)
            await store.keep_labels([labels(ids[some], first_told(truth[some]), EARLIER_NS)])
            await store.keep_labels([labels(ids[some], truth[some], NOW_NS)])
            print(first, flush=True)

    async def tidy() -> None:
        while not done.is_set():
            await store.tidy()

    tidying = asyncio.create_task(tidy())
    await asyncio.gather(predict(), label())
    done.set()
    await tidying
    store.close()


def begin(path: Path) -> None:
    """Make a store with the baselines of both versions."""

    async def put() -> None:
        store = SqliteStore.open(path, clock=Clock())
        for version in ("1", "2"):
            baseline = fraud_baseline(version)
            await store.put_baseline(MODEL, version, baseline.id, baseline.to_json())
        await store.tidy()
        store.close()

    asyncio.run(put())


def run_for(path: Path, seed: int, seconds: float | None) -> int:
    """Run the process, and kill it after a time or let it end; return its status."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(seed)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    ) as running:  # fmt: skip
        assert running.stdout is not None
        if seconds is not None:
            assert running.stdout.readline()  # it has begun
            timer = threading.Timer(seconds, running.kill)
            timer.start()
        for _ in running.stdout:
            pass
        status = running.wait()
        if seconds is not None:
            timer.cancel()
    return status


def test_killed_again_and_again(tmp_path: Path) -> None:
    """Killed at random and sent everything again, each row is summed up once, with its last label.

    ``MODELWATCH_TEST_KILLS`` gives the number of rounds.
    """
    path = tmp_path / "store.sqlite"
    begin(path)
    random = Random(5)
    kills = 0
    for seed in range(int(os.environ.get("MODELWATCH_TEST_KILLS", "3"))):
        kills += run_for(path, seed, random.uniform(0.05, 2.0)) == -signal.SIGKILL
        assert check(path).problems == []
        compare(path, is_whole=False)
    assert kills
    assert run_for(path, 0, None) == 0
    assert check(path).problems == []
    compare(path, is_whole=True)


def compare(path: Path, *, is_whole: bool) -> None:
    """Compare what is told of all windows with the rows that the store holds."""
    store = SqliteStore.open(path, clock=Clock())
    ids, scores, truth, times = rows()
    assert len(set(ids)) == SIZE
    told = [one for at in range(0, SIZE, BATCH) for one in first_told(truth[at : at + BATCH])]
    known_ns = np.where(np.array(told) == np.array(truth), EARLIER_NS, NOW_NS)
    for version in ("1", "2"):
        found = store.outcomes(MODEL, version, EVER)
        assert found.labelled <= found.predictions <= SIZE
        assert found.labelled == (found.summaries[""].rows if found.summaries else 0)
        if is_whole:
            baseline = fraud_baseline(version)
            expected = OutcomeSummary.empty(baseline)
            joined = JoinedRows(
                labels=truth,
                outputs={"class": ["yes" if one > 0.5 else "no" for one in scores],
                         "score": scores},
                predicted_ns=np.array(times),
                labelled_ns=known_ns,
            )  # fmt: skip
            expected.update(joined)
            summary = found.summaries[""]
            assert (
                summary.labelled.to_dict()["confusion"]
                == (expected.labelled.to_dict()["confusion"])
            )
            assert summary.delays.counts.tolist() == expected.delays.counts.tolist()
    pairs = store.pairs(MODEL, "1", "2", EVER)
    assert pairs is None or pairs.labelled <= pairs.rows <= SIZE
    if is_whole:
        assert pairs is not None
        assert (pairs.rows, pairs.labelled, pairs.agreed) == (SIZE, SIZE, SIZE)
        assert store.label_counts(MODEL).waiting == 0
        asyncio.run(store.tidy())
        assert [store.concept(MODEL, version).rows for version in ("1", "2")] == [SIZE] * 2
    store.close()
