"""Predictions that somebody can know by an id, until they are told to the collector.

A watched call leaves its result as it is; it is read in the thread that sends, as columns of many.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from modelwatch.capture.guard import Guard
from modelwatch.capture.known_tables import Ids, Known, Table, Telling, alike, joined, table_of
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.rows import Batch, Row
from modelwatch.telemetry.sampled_ids import is_sampled
from modelwatch.telemetry.wire.outcomes import PredictionRows

__all__ = ["MOST_WAITING", "KnownPredictions"]

MOST_WAITING: Final = 16_384
"""Predictions that wait to be sent; those beyond are counted as dropped."""

_MOST_MANNERS: Final = 64
"""Plans and manners of telling that are kept; more come only where a collector steers often."""

_REMEDIES: Final[Mapping[str, str]] = {
    "queue_full": f"more than {MOST_WAITING} a process are known by an id within an interval. Take "
    "a sample (sample_rate=), or export more often.",
    "no_prediction_id": "their rows lack the id of prediction_id=, which is a text of 1 to 256 "
    "characters or a whole number, and of a batch one a row.",
}
"""What is said, once in a while, of predictions that were dropped for a reason."""


class KnownPredictions:
    """Keeps predictions until they are taken: 16,384 at most. Thread-safe.

    Args:
        model: the model's name.
        version: its version.
        guard: keeps faults away from the thread that sends.
        clock_ns: Unix time in nanoseconds.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        guard: Guard,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._model = model
        self._version = version
        self._guard = guard
        self._clock_ns = clock_ns
        self.reset()

    def reset(self) -> None:
        """Forget all predictions, and take a new lock: what a forked child needs."""
        self._lock = threading.RLock()  # guards all below; the garbage collector may come in
        self._waiting: list[Known] = []
        self._rows = 0
        self._dropped: Counter[str] = Counter()
        # Of usual rows. Any thread appends without a lock; what they are told by stands apart, so
        # that the garbage collector need not look at each of them again and again.
        self._usual: deque[tuple[int, int, str, int, object]] = deque()
        self._plans: dict[int, CapturePlan] = {}
        self._tellings: dict[int, Telling] = {}

    def add_usual(
        self, plan: CapturePlan, telling: Telling, prediction_id: str, output: object
    ) -> None:
        """Keep a prediction of which no features and no segment are told; as `add_row`, quickly."""
        if len(self._usual) + self._rows >= MOST_WAITING:
            self.drop("queue_full")
            return
        number = id(telling)
        if plan.number not in self._plans or number not in self._tellings:
            self._plans[plan.number], self._tellings[number] = plan, telling
        self._usual.append((plan.number, number, prediction_id, self._clock_ns(), output))

    def add_row(
        self,
        plan: CapturePlan,
        telling: Telling,
        prediction_id: str,
        output: object,
        row: Row,
        segment: str | Sequence[str] | None = None,
    ) -> None:
        """Keep a prediction, or count it as dropped.

        Args:
            plan: how its features were read.
            telling: how it is told.
            prediction_id: its id.
            output: its result, copied.
            row: its features.
            segment: of which it is.
        """
        kept = row if telling.has_values else None
        now_ns = self._clock_ns()
        self._add(Known(plan, telling, prediction_id, now_ns, output, kept, segment), 1)

    def add_batch(
        self,
        plan: CapturePlan,
        telling: Telling,
        ids: Ids,
        output: object,
        batch: Batch,
        segments: str | Sequence[str] | None = None,
    ) -> None:
        """Keep the predictions of a batch, as many as fit, and count the others as dropped.

        Args:
            plan: how their features were read.
            telling: how they are told.
            ids: of the batch, whose rows then are ``<id>/0``, ``<id>/1`` and so on; or of each row,
                None where it has none. Of these, those in the sample are kept.
            output: its result, copied.
            batch: its features.
            segments: of each row.
        """
        rate = telling.sample_rate
        named = [f"{ids}/{row}" for row in range(batch.rows)] if isinstance(ids, str) else ids
        lacking = sum(one is None for one in named)
        if lacking:
            self.drop("no_prediction_id", lacking)
        if rate < 1.0:
            named = [one if one is not None and is_sampled(one, rate) else None for one in named]
        rows = sum(one is not None for one in named)
        if rows:
            kept = batch if telling.has_values else Batch({}, batch.rows)
            now_ns = self._clock_ns()
            self._add(Known(plan, telling, named, now_ns, output, kept, segments), rows)

    def drop(self, reason: str, rows: int = 1) -> None:
        """Count predictions that are not told."""
        with self._lock:
            self._dropped[reason] += rows

    def take(self) -> tuple[list[PredictionRows], Counter[str]]:
        """Return what waits, and how many were dropped for which reason, and forget both."""
        waiting, dropped = self._take_waiting()
        told: dict[tuple[Any, ...], list[Table]] = {}
        for group in alike(waiting):
            for table in self._tables(group, dropped):
                if table.without_output:
                    dropped["no_output"] += table.without_output
                if table.ids:
                    told.setdefault(table.kind, []).append(table)
        for reason in dropped.keys() & _REMEDIES.keys():
            self._guard.notice(
                f"known predictions {reason}",
                f"{dropped[reason]} predictions are not told: {_REMEDIES[reason]}",
            )
        return [self._rows_of(tables) for tables in told.values()], +dropped

    def _take_waiting(self) -> tuple[list[Known], Counter[str]]:
        popleft, plans, tellings = self._usual.popleft, self._plans, self._tellings
        usual = [popleft() for _ in range(len(self._usual))]
        if len(plans) + len(tellings) > _MOST_MANNERS:  # what is still used comes in anew
            self._plans, self._tellings = {}, {}
        with self._lock:
            waiting, dropped = self._waiting, self._dropped
            self._waiting, self._rows, self._dropped = [], 0, Counter()
        for number, manner, prediction_id, time_ns, output in usual:
            plan, telling = plans.get(number), tellings.get(manner)
            if plan is None or telling is None:  # a thread was in between when they were let go
                dropped["fault"] += 1
            else:
                known = Known(plan, telling, prediction_id, time_ns, output, None, None)
                waiting.append(known)
        return waiting, dropped

    def _tables(self, group: Sequence[Known], dropped: Counter[str]) -> Iterator[Table]:
        """Read predictions together; where that fails, in parts, so that one spoils no other."""
        found = None
        with self._guard:
            found = table_of(group)
        if found is not None:
            yield found
        elif len(group) > 1:
            middle = len(group) // 2
            yield from self._tables(group[:middle], dropped)
            yield from self._tables(group[middle:], dropped)
        else:
            dropped["fault"] += group[0].rows

    def _add(self, known: Known, rows: int) -> None:
        with self._lock:
            room = max(0, MOST_WAITING - self._rows - len(self._usual))
            if rows > room:
                self._dropped["queue_full"] += rows - room
                if not room:
                    return
                known = known._replace(ids=_first(known.ids, room))
            self._waiting.append(known)
            self._rows += min(rows, room)

    def _rows_of(self, tables: Sequence[Table]) -> PredictionRows:
        first = tables[0]
        segments = [one for table in tables for one in table.segments]
        return PredictionRows(
            model=self._model,
            version=self._version,
            ids=[one for table in tables for one in table.ids],
            times_ns=[one for table in tables for one in table.times_ns],
            outputs=joined([table.outputs for table in tables]),
            segments=segments if any(segments) else None,
            features=joined([table.features for table in tables]),
            sample_rate=first.sample_rate,
        )


def _first(ids: Ids, most: int) -> Ids:
    """Return ids of which no more than so many are there."""
    if isinstance(ids, str):
        return ids
    left = iter(range(most))
    return [one if one is not None and next(left, None) is not None else None for one in ids]
