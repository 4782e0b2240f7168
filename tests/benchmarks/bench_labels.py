"""How many labels a second are joined with ten million open predictions on disk, by one core.

The predictions of the first model have random ids, so that a label may lie anywhere in the file;
those of the second have UUIDs of version 7, whose labels lie beside each other when they come in
the order of the predictions. Each model has a baseline, and all that is joined is summed up by the
hour and by segment, as a collector does; that is part of the time. Labels come in requests of
5,000.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import modelwatch as mw
from modelwatch.collector.freed_memory import give_back
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

OPEN = 10_000_000
TIMED = 1_000_000
LABELS = 200_000
BATCH = 10_000
REQUEST = 5_000
DAYS = 30
MILLISECONDS = DAYS * 86_400_000
NOW_NS = 1_700_000_000 * 10**9
PAGE = 4_096
SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"

Row = tuple[str, str, str]


class Joined(NamedTuple):
    """What some labels took: seconds of the clock and of the processor, and the memory after."""

    seconds: float
    busy: float
    resident: int


def baseline(model: str) -> mw.Baseline:
    """Return what a model was trained on."""
    scores = np.random.default_rng(0).random(2_000).round(3)
    table = {
        "score": scores.tolist(),
        "class": ["yes" if score > 0.5 else "no" for score in scores],
        "label": ["yes" if n % 3 else "no" for n in range(scores.size)],
    }
    return mw.Baseline.fit(
        table, model=model, version="1", prediction="class", score={"yes": "score"}, label="label"
    )


def text_of(high: int, low: int) -> str:
    """Return a UUID of its halves."""
    digits = f"{high:016x}{low:016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def random_ids(first: int) -> list[str]:
    """Return random ids, those of each batch in a slice of their own: they are stored sooner so."""
    draw = random.Random(first)
    width = 2**64 // (OPEN // BATCH)
    at = first // BATCH * width
    return sorted(
        text_of((at + draw.randrange(width)) & ~0xF000 | 0x4000, draw.getrandbits(62) | 1 << 63)
        for _ in range(BATCH)
    )


def timed_ids(first: int) -> list[str]:
    """Return UUIDs of version 7."""
    draw = random.Random(first)
    begin = NOW_NS // 10**6 - MILLISECONDS
    return [
        text_of(
            begin + number * MILLISECONDS // TIMED << 16 | 0x7000 | draw.getrandbits(12),
            draw.getrandbits(62) | 1 << 63,
        )
        for number in range(first, first + BATCH)
    ]


def predictions(model: str, ids: Sequence[str], first: int, size: int) -> PredictionRows:
    """Return predictions under some ids, of all hours where the ids are random."""
    draw = np.random.default_rng(first)
    if model == "timed":
        ages = MILLISECONDS - np.arange(first, first + BATCH) * MILLISECONDS // size
    else:
        ages = draw.integers(1, MILLISECONDS, BATCH)
    scores = draw.random(BATCH).astype(np.float32).astype(np.float64)
    return PredictionRows(
        model=model,
        version="1",
        ids=ids,
        times_ns=[NOW_NS - int(age) * 10**6 for age in ages],
        outputs={
            "class": ["yes" if score > 0.5 else "no" for score in scores],
            "score": scores.tolist(),
        },
        segments=draw.choice(["DE", "FR"], BATCH).tolist(),
    )


async def fill(store: SqliteStore) -> tuple[float, float]:
    """Store all predictions; return the time and the processor time that a million took."""
    start, busy = time.perf_counter(), time.process_time()
    for model, size, ids_of in (("random", OPEN, random_ids), ("timed", TIMED, timed_ids)):
        known = baseline(model)
        await store.put_baseline(model, "1", known.id, known.to_json())
        await store.tidy()
        for first in range(0, size, BATCH):
            await store.keep_predictions([predictions(model, ids_of(first), first, size)])
    millions = (OPEN + TIMED) / 10**6
    return (time.perf_counter() - start) / millions, (time.process_time() - busy) / millions


def chosen() -> Iterator[tuple[str, str, list[str]]]:
    """Yield what is labelled, of which model, and the ids in their order."""
    draw = random.Random(1)
    some = draw.sample(range(0, OPEN, BATCH), 400)
    anywhere = [one for first in some for one in draw.sample(random_ids(first), LABELS // 400)]
    draw.shuffle(anywhere)
    yield "random ids, in any order", "random", anywhere
    batches = range(0, TIMED, BATCH)
    spread = [one for first in batches for one in draw.sample(timed_ids(first), LABELS // 100)]
    draw.shuffle(spread)
    yield "ids with their time, in any order", "timed", spread
    known = set(spread)
    ordered = (one for first in batches for one in timed_ids(first) if one not in known)
    yield "ids with their time, in its order", "timed", [next(ordered) for _ in range(LABELS)]


async def join(store: SqliteStore, model: str, ids: Sequence[str]) -> Joined:
    """Label predictions, and sum up what was joined."""
    truth = ["yes" if n % 5 else "no" for n in range(REQUEST)]
    start, busy = time.perf_counter(), time.process_time()
    joined = 0
    for first in range(0, len(ids), REQUEST):
        some = ids[first : first + REQUEST]
        rows = LabelRows(model=model, ids=some, labels=truth, times_ns=[NOW_NS] * REQUEST)
        joined += (await store.keep_labels([rows])).joined
    await store.sum_up()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    assert joined == len(ids)
    await asyncio.to_thread(give_back)  # as a collector does every half a minute
    return Joined(seconds, busy, resident())


def resident() -> int:
    """Return the bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def measure(path: Path) -> list[Row]:
    """Return what was measured."""
    store = SqliteStore.open(path, clock=lambda: NOW_NS)
    seconds, busy = await fill(store)
    ((size,),) = store.database.read(SIZE)
    rows = [
        (
            f"{OPEN + TIMED:,} open predictions on disk",
            "1 GB for ten million",
            f"{size / 10**6:,.0f} MB, {size / (OPEN + TIMED):.0f} bytes each",
        ),
        (
            "predictions stored",
            "",
            f"{10**6 / seconds:,.0f} a second, {10**6 / busy:,.0f} a second of one core",
        ),
    ]
    for what, model, ids in chosen():
        give_back()
        before = resident()
        found = await join(store, model, ids)
        rate = f"{len(ids) / found.busy:,.0f} a second of one core"
        clock = f"{len(ids) / found.seconds:,.0f} by the clock"
        memory = f"{before / 10**6:.0f} MB before and {found.resident / 10**6:.0f} MB after"
        rows.append(
            (
                f"{len(ids):,} labels joined and summed up: {what}",
                "20,000 a second of one core; memory flat",
                f"{rate}, {clock}; resident {memory}",
            )
        )
    store.close()
    return rows


def figures() -> list[Row]:
    """Return what was measured, as (what, target, measured)."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder) / "store.sqlite"))


def main() -> None:
    """Print what was measured."""
    for what, target, measured in figures():
        print(f"{what}: {measured} (target: {target or 'none'})")


if __name__ == "__main__":
    main()
