"""Long loads on one watch: rows without end, categories without end, a receiver that is away.

Each returns the memory before and after, and raises where a row is neither delivered nor counted as
dropped.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import modelwatch as mw
from tests.benchmarks.feature_rows import TEXTS, Row, draw_rows
from tests.soak.memory import Receiver, resident_megabytes

__all__ = ["Soaked", "many_categories", "many_rows", "outage"]

TRAINING_ROWS = 5_000
INTERVAL_SECONDS = 0.5
OUTAGE_INTERVAL_SECONDS = 0.01
FLUSH_SECONDS = 120.0
CALLS_A_STEP = 20
MOST_WAITING = 8_192


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """What a load came to.

    Attributes:
        called: rows that the watched function was given, the warm-up included.
        captured: rows that arrived.
        dropped: rows that arrived as dropped.
        before: megabytes after the warm-up.
        after: megabytes in the end.
        longest: bytes of the longest message.
    """

    called: int
    captured: int
    dropped: int
    before: float
    after: float
    longest: int

    @property
    def grown(self) -> float:
        """Megabytes that the process has grown by."""
        return self.after - self.before


def training() -> dict[str, Any]:
    """Return a table of seeded rows."""
    rows = draw_rows(TRAINING_ROWS, seed=8)
    return {name: [row[name] for row in rows] for name in rows[0]}


def many_rows(count: int, *, warm_up: int, at_full_speed: bool) -> Soaked:
    """Call at full speed, where what does not fit is dropped; or no faster than all is captured."""
    baseline = mw.Baseline.fit(training(), model="soak", version="1")
    rows = draw_rows()

    def load(predict: Callable[[Row], Any], watch: mw.Watch, calls: int) -> None:
        for number, row in enumerate(itertools.islice(itertools.cycle(rows), calls)):
            predict(row)
            if not at_full_speed and number % CALLS_A_STEP == 0:
                _let_the_fold_follow(watch)

    return _soaked(baseline, load, count, warm_up)


def many_categories(count: int, *, distinct: int, warm_up: int, with_baseline: bool) -> Soaked:
    """Call with texts that hardly ever come again, as many as `distinct` of each feature."""
    baseline = mw.Baseline.fit(training(), model="soak", version="1") if with_baseline else None
    usual, numbers = draw_rows(1)[0], itertools.count()

    def load(predict: Callable[[Row], Any], watch: mw.Watch, calls: int) -> None:
        for number in itertools.islice(numbers, calls):
            text = f"category {number % distinct}"
            predict(usual | {f"text_{i}": text for i in range(TEXTS)})
            if number % CALLS_A_STEP == 0:
                _let_the_fold_follow(watch)

    return _soaked(baseline, load, count, warm_up)


def outage(intervals: int, *, warm_up: int) -> Soaked:
    """Call while the receiver is away for so many export intervals; then it comes back."""
    baseline = mw.Baseline.fit(training(), model="soak", version="1")
    receiver = Receiver()
    watch = _watch(baseline, receiver, OUTAGE_INTERVAL_SECONDS)
    predict, rows = watch(_score), itertools.cycle(draw_rows())
    called = 0

    def last(wanted: int) -> int:
        """Call until so many windows have ended."""
        calls, ended = 0, _count_windows(watch)
        while len(ended) < wanted:
            for row in itertools.islice(rows, CALLS_A_STEP):
                predict(row)
            calls += CALLS_A_STEP
            time.sleep(OUTAGE_INTERVAL_SECONDS / 2)
        return calls

    called += last(warm_up)
    receiver.is_down = True
    called += last(warm_up)
    before = resident_megabytes()
    called += last(intervals)
    after = resident_megabytes()
    receiver.is_down = False
    _deliver(watch)
    return _checked(called, receiver, before, after)


def _score(features: Row) -> float:
    return 0.5


def _watch(baseline: mw.Baseline | None, receiver: Receiver, interval_seconds: float) -> mw.Watch:
    return mw.Watch(
        "soak",
        version="1",
        baseline=baseline,
        export_interval_seconds=interval_seconds,
        transport=receiver,
    )


def _soaked(
    baseline: mw.Baseline | None,
    load: Callable[[Callable[[Row], Any], mw.Watch, int], None],
    count: int,
    warm_up: int,
) -> Soaked:
    receiver = Receiver()
    watch = _watch(baseline, receiver, INTERVAL_SECONDS)
    predict = watch(_score)
    load(predict, watch, warm_up)
    before = resident_megabytes()
    load(predict, watch, count)
    after = resident_megabytes()
    _deliver(watch)
    return _checked(warm_up + count, receiver, before, after)


def _let_the_fold_follow(watch: mw.Watch) -> None:
    while watch.recorder.rows_waiting() > MOST_WAITING:
        time.sleep(0.002)


def _count_windows(watch: mw.Watch) -> list[int]:
    """Return a list that grows by one with each window that is cut from now on."""
    folder, ended = watch.recorder.folder, list[int]()
    cut = type(folder).cut

    def counted(*arguments: Any) -> Any:
        ended.append(1)
        return cut(folder, *arguments)

    vars(folder)["cut"] = counted
    return ended


def _deliver(watch: mw.Watch) -> None:
    if not watch.shutdown(timeout_seconds=FLUSH_SECONDS):
        raise RuntimeError("not all was delivered in the end")


def _checked(called: int, receiver: Receiver, before: float, after: float) -> Soaked:
    dropped = receiver.dropped.total()
    if receiver.calls != called:
        raise RuntimeError(f"{called} calls were made, {receiver.calls} arrived")
    if receiver.rows + dropped != called:
        raise RuntimeError(f"{called} rows were made, {receiver.rows} + {dropped} arrived")
    return Soaked(
        called=called,
        captured=receiver.rows,
        dropped=dropped,
        before=before,
        after=after,
        longest=receiver.longest,
    )
