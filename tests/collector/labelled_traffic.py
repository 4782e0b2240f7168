"""A classifier's traffic by the minute, with ids, and labels that come later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import modelwatch as mw
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.telemetry.wire import decode_logs, decode_metrics, encode_logs, encode_metrics
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION
from tests.labelled_tables import Table, binary_table, without

__all__ = ["LAST", "ROWS", "LabelledTraffic", "labelled_baseline", "minute"]

ROWS = 600
LAST = NOW_NS // (60 * SECOND)
"""Number of the minute that is not finished yet."""


def minute(back: int) -> TimeWindow:
    """Return the minute that ended so many minutes before the last finished one."""
    return TimeWindow.aligned(LAST - 1 - back, seconds=60)


def labelled_baseline() -> mw.Baseline:
    """Return what the classifier was trained on."""
    return mw.Baseline.fit(
        binary_table(0, 20_000),
        model=MODEL, version=VERSION, prediction="predicted", score="score", label="label",
    )  # fmt: skip


@dataclass(frozen=True)
class LabelledTraffic:
    """Sends minutes to a store."""

    store: SqliteStore
    baseline: mw.Baseline

    def table(self, back: int, *, shift: float = 0.0, flipped: float = 0.0) -> Table:
        """Return the rows of a minute; of a share of them the truth is turned round."""
        table = binary_table(1_000 + back, ROWS, shift=shift)
        turned = np.random.default_rng(back).random(ROWS) < flipped
        other = {"yes": "no", "no": "yes"}
        labels = zip(table["label"], turned, strict=True)
        return {**table, "label": [other[label] if turn else label for label, turn in labels]}

    def ids(self, back: int) -> list[str]:
        """Return the ids of a minute's predictions."""
        return [f"p-{LAST - back}-{row:04d}" for row in range(ROWS)]

    def times(self, back: int) -> list[int]:
        """Return when they were made."""
        start_ns = minute(back).start_ns
        return [start_ns + (row + 1) * 60 * SECOND // (ROWS + 2) for row in range(ROWS)]

    async def send(self, back: int, table: Table) -> None:
        """Send what a service observed in a minute, and its predictions with ids."""
        window = minute(back)
        profile = mw.Profile.empty(MODEL, VERSION, baseline=self.baseline, instance="a")
        profile.update(without(table, "label"))
        profile.start_ns, profile.end_ns = window.start_ns + SECOND, window.end_ns - SECOND
        resource = {"service.instance.id": "a"}
        await self.store.write(decode_metrics(encode_metrics(profile, resource=resource)).arrivals)
        await self.store.write(decode_logs(encode_logs(profile, resource=resource)).arrivals)
        rows = PredictionRows(
            model=MODEL,
            version=VERSION,
            ids=self.ids(back),
            times_ns=self.times(back),
            outputs={"predicted": table["predicted"], "score": table["score"].tolist()},
            segments=["eu" if row % 3 else "us" for row in range(ROWS)],
        )
        await self.store.keep_predictions([rows])

    async def label(self, back: int, table: Table, rows: Sequence[int] = range(ROWS)) -> None:
        """Send labels of some rows of a minute, each ten seconds after its prediction."""
        ids, times = self.ids(back), self.times(back)
        labels = LabelRows(
            model=MODEL,
            ids=[ids[row] for row in rows],
            labels=[table["label"][row] for row in rows],
            times_ns=[times[row] + 10 * SECOND for row in rows],
        )
        await self.store.keep_labels([labels])

    async def put_baseline(self) -> None:
        """Put the baseline in force."""
        await self.store.put_baseline(MODEL, VERSION, self.baseline.id, self.baseline.to_json())
        await self.store.tidy()
