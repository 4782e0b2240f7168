"""Scripts whose processes record while they multiply; each leaves what must arrive in a file.

Run as ``python -m tests.capture.processes.recording SCENARIO FOLDER [ENDPOINT]``. What is sent goes
to files in the folder, or to the endpoint where there is one. ``expected.json`` maps each process
to the calls it made. A hang ends the process with the stacks of all threads.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import modelwatch as mw
from tests.capture.processes.sent_files import SENDER, FileTransport

FORKS = 300
MOST_LIVING = 8
DEADLINE_SECONDS = 400
SWITCH_SECONDS = 1e-6
FLUSH_SECONDS = 60.0
BATCH_ROWS = 3
ACTIONS_A_TURN = 20

ORDER = "order"

Row = dict[str, Any]

_numbers = count()


def known_row_of(maker: str) -> Row:
    """Return a usual row with an id of its own, which says in which process it was made."""
    return row_of(maker) | {ORDER: f"{os.getpid()}-{next(_numbers)}"}


def call_and_label(watch: mw.Watch, predict: Callable[[Any], Any], maker: str) -> None:
    """Make a prediction that is known by its row's id, and tell its label."""
    row = known_row_of(maker)
    predict(row)
    watch.record_label(row[ORDER], True)


def make_watch(
    folder: Path, endpoint: str | None = None, *, interval_seconds: float = 0.05
) -> mw.Watch:
    """Return a watch with a baseline, so that rows are read and checked the usual way."""
    random = np.random.default_rng(5)
    training = {
        "amount": random.normal(100.0, 10.0, size=1_000),
        SENDER: random.choice(["parent", "child", "grandchild"], size=1_000).tolist(),
        "score": random.random(1_000),
    }
    return mw.Watch(
        "m",
        version="1",
        baseline=mw.Baseline.fit(training, model="m", version="1", score="score"),
        endpoint=endpoint,
        export_interval_seconds=interval_seconds,
        transport=None if endpoint else FileTransport(folder),
    )


def row_of(maker: str) -> Row:
    """Return a usual row that says who made it."""
    return {"amount": 100.0, SENDER: maker}


def score(features: Row) -> float:
    """Return a score."""
    return 0.5


def fail(features: Row) -> float:
    """Raise."""
    raise ValueError("always")


def score_batch(features: list[Row]) -> list[float]:
    """Return a score for each row."""
    return [0.5] * len(features)


def call_both(predict: Callable[[Any], Any], refuse: Callable[[Any], Any], maker: str) -> None:
    """Make a call that returns and one that raises."""
    predict(row_of(maker))
    with contextlib.suppress(ValueError):
        refuse(row_of(maker))


class Load:
    """Threads of the parent that take every lock there is, a number of times whenever told to.

    Args:
        watch: what they record with.
    """

    def __init__(self, watch: mw.Watch) -> None:
        self.calls: list[int] = []
        self.rows: list[int] = []
        self._watch = watch
        self._is_stopping = False
        self._process = os.getpid()
        predict, refuse, predict_batch = watch(score), watch(fail), watch(score_batch)
        predict_known = watch(prediction_id=ORDER)(score)
        actions = (
            (lambda: call_both(predict, refuse, "parent"), 2, 2),
            (lambda: call_both(predict, refuse, "parent"), 2, 2),
            (lambda: call_and_label(watch, predict_known, "parent"), 1, 1),
            (lambda: predict_batch([row_of("parent")] * BATCH_ROWS), 1, BATCH_ROWS),
            (lambda: watch.count(0.001, "refused"), 1, 0),
            (lambda: watch.flush(timeout_seconds=0.1), 0, 0),
        )
        self._turns = [threading.Semaphore(0) for _ in actions]
        self._threads = [
            threading.Thread(target=self._repeat, args=(turns, *action))
            for turns, action in zip(self._turns, actions, strict=True)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if os.getpid() != self._process:
            return  # a child has none of the threads, and their locks as they happened to be
        self._is_stopping = True
        self.give_turns()
        for thread in self._threads:
            thread.join()

    def give_turns(self) -> None:
        """Have each thread act some times; returns while they do."""
        for turns in self._turns:
            turns.release()

    def _repeat(
        self, turns: threading.Semaphore, action: Callable[[], Any], calls: int, rows: int
    ) -> None:
        repeated = 0
        while not self._is_stopping:
            turns.acquire()
            for _ in range(ACTIONS_A_TURN):
                action()
                repeated += 1
        self.calls.append(repeated * calls)
        self.rows.append(repeated * rows)


def guard_against_hangs() -> None:
    """End this process with the stacks of its threads where it takes too long.

    By an alarm, as the thread that watches in place of it does not survive a fork.
    """
    faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
    signal.alarm(DEADLINE_SECONDS)


def wait_for_child(living: set[int]) -> None:
    """Wait until one of the children has ended in good order."""
    pid, status = os.waitpid(-1, 0)
    living.remove(pid)
    if status:
        raise SystemExit(f"child {pid} ended with status {os.waitstatus_to_exitcode(status)}")


def forks(folder: Path, endpoint: str | None, *, times: int = FORKS) -> dict[int, int]:
    """Fork over and over while threads record; each child records and exits."""
    watch = make_watch(folder, endpoint)
    predict = watch(prediction_id=ORDER)(score)
    expected: dict[int, int] = {}
    living: set[int] = set()
    gc.freeze()  # or each child, as it ends, copies and looks through all that the parent holds
    sys.setswitchinterval(SWITCH_SECONDS)
    with Load(watch) as load:
        for number in range(times):
            calls = 1 + number % 7
            load.give_turns()
            pid = os.fork()
            if pid == 0:
                guard_against_hangs()
                for _ in range(calls):
                    call_and_label(watch, predict, "child")
                raise SystemExit(0)
            expected[pid] = calls
            living.add(pid)
            if len(living) >= MOST_LIVING:
                wait_for_child(living)
    while living:
        wait_for_child(living)
    expected[os.getpid()] = sum(load.calls)
    (folder / "parent_rows.json").write_text(json.dumps(sum(load.rows)))
    if not watch.flush(timeout_seconds=FLUSH_SECONDS):
        raise SystemExit("the last flush did not deliver")
    return expected


def forks_to_endpoint(folder: Path, endpoint: str | None) -> dict[int, int]:
    """Do the same with a receiver, whose connection the children inherit, some times."""
    return forks(folder, endpoint, times=40)


def generations(folder: Path, endpoint: str | None) -> dict[int, int]:
    """Fork from a thread, and in the children again; some leave without an orderly exit."""
    watch = make_watch(folder, endpoint, interval_seconds=3_600.0)
    predict = watch(prediction_id=ORDER)(score)
    call_and_label(watch, predict, "parent")
    expected = {os.getpid(): 1}

    def one_child(number: int) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            guard_against_hangs()
            grandchild = os.fork()
            if grandchild == 0:
                call_and_label(watch, predict, "grandchild")
                call_and_label(watch, predict, "grandchild")
                watch.shutdown()
                os._exit(0)
            call_and_label(watch, predict, "child")
            os.write(writing, str(grandchild).encode())
            _, status = os.waitpid(grandchild, 0)
            if number % 2 or status:
                os._exit(status)  # leaves what it recorded behind, by design
            watch.shutdown()
            os._exit(0)
        grandchild = int(os.read(reading, 100))
        os.waitpid(pid, 0)
        expected[grandchild] = 2
        if not number % 2:
            expected[pid] = 1

    for number in range(6):
        thread = threading.Thread(target=one_child, args=(number,))
        thread.start()
        thread.join()
    return expected


def record_in_child(watched: Callable[[Any], Any], calls: int, folder: Path) -> None:
    """Record in a process of multiprocessing; it has no call to flush."""
    guard_against_hangs()
    for _ in range(calls):
        watched(known_row_of("child"))
    (folder / f"{os.getpid()}.calls").write_text(str(calls))


def _started_by(method: str) -> Callable[[Path, str | None], dict[int, int]]:
    def scenario(folder: Path, endpoint: str | None) -> dict[int, int]:
        """Start processes of multiprocessing, and a pool, whose processes get the function."""
        context: Any = multiprocessing.get_context(method)
        watched = make_watch(folder, endpoint)(prediction_id=ORDER)(score)
        watched(known_row_of("parent"))
        children = [
            context.Process(target=record_in_child, args=(watched, calls, folder))
            for calls in (1, 2, 3)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join()
            if child.exitcode:
                raise SystemExit(f"a child ended with status {child.exitcode}")
        with context.Pool(2, maxtasksperchild=1) as pool:
            pool.starmap(record_in_child, [(watched, calls, folder) for calls in (4, 5, 6)], 1)
            pool.close()
            pool.join()
        return {os.getpid(): 1} | dict(_noted(folder))

    return scenario


def _noted(folder: Path) -> Iterator[tuple[int, int]]:
    for path in folder.glob("*.calls"):
        yield int(path.stem), int(path.read_text())


SCENARIOS = {
    "forks": forks,
    "forks_to_endpoint": forks_to_endpoint,
    "generations": generations,
    "fork": _started_by("fork"),
    "forkserver": _started_by("forkserver"),
    "spawn": _started_by("spawn"),
}


def main(scenario: str, folder: str, endpoint: str | None = None) -> None:
    """Run one scenario, and leave what must arrive in a file."""
    guard_against_hangs()
    expected = SCENARIOS[scenario](Path(folder), endpoint)
    (Path(folder) / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main(*sys.argv[1:])
