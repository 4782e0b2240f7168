"""What all watched functions of one watch share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from modelwatch.capture.buffer import BatchEntry, Buffer, CallTally, RowEntry
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.folding import Folder
from modelwatch.capture.guard import Guard
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.rows import Batch, Row
from modelwatch.capture.sampling import RowBudget

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["Recorder"]

_MOST_FEATURES: Final = 1_000


class Resettable(Protocol):
    """Something that a forked child must start anew."""

    def reset(self) -> None:
        """Forget what is the parent's, and take new locks."""


class Recorder:
    """The plan, the buffer and the counts of one model version in one process.

    Thread-safe. `append` is what a watched call appends rows with: at first it starts the threads.

    Args:
        model: the model's name.
        version: its version.
        capacity_rows: rows that may wait to be folded.
        start: starts the threads that fold and export; called before the first row is kept.
        declared: what the watch was told of its inputs.

    Attributes:
        plan: how rows are read; None once the watch is shut down or where it is disabled.
        last_plan: the plan in use, or the last that was.
        guard: swallows our faults.
        tally: counts calls and rows that are not captured.
        buffer: where rows wait.
        folder: makes profiles of them.
        budgets: what limits the rows a second of watched functions; reset with all else.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        capacity_rows: int,
        start: Callable[[], None],
        declared: DeclaredInputs | None = None,
    ) -> None:
        self.model = model
        self.version = version
        self._declared = declared
        self.last_plan = CapturePlan(None, declared=declared)
        self.plan: CapturePlan | None = self.last_plan
        self.guard = Guard()
        self.tally = CallTally()
        self.buffer = Buffer(capacity_rows)
        self.folder = Folder(model, version, buffer=self.buffer, tally=self.tally, guard=self.guard)
        self.capacity_rows = capacity_rows
        self.rows_waiting = self.buffer.rows.__len__
        self._start = start
        self._lock = threading.Lock()  # guards the replacement of plan
        self.budgets: set[RowBudget] = set()
        self._is_started = False
        self.append: Callable[[RowEntry], None] = self._start_and_append

    def reset(self) -> None:
        """Forget all that was captured, as a forked child must; the parent has it too."""
        self._lock = threading.Lock()
        self._is_started = False
        self.append = self._start_and_append
        parts: list[Resettable] = [self.guard, self.tally, self.buffer, self.folder]
        for part in (*parts, *self.budgets):
            part.reset()

    def adopt(self, baseline: Baseline) -> None:
        """Read and check rows by a baseline from now on."""
        plan = CapturePlan(baseline, declared=self._declared)
        with self._lock:
            if self.plan is not None:
                self.plan = self.last_plan = plan

    def close(self) -> None:
        """Capture nothing more."""
        with self._lock:
            if self.plan is not None:
                self.last_plan = self.plan
            self.plan = None

    def read(self, plan: CapturePlan, value: object) -> tuple[CapturePlan, Row | Batch]:
        """Read a call's features; the slow way, for all but a dict with exactly the features.

        Returns:
            The plan that the features were read by, and what was read.

        Raises:
            DataError: where the value holds no features.
        """
        if not plan.size and plan.baseline is None:
            plan = self._learn(plan, value)
        return plan, plan.reader.read(value)

    def keep_row(self, entry: RowEntry) -> None:
        """Keep a row, or count it as dropped."""
        if self.rows_waiting() < self.capacity_rows:
            self.append(entry)
            return
        self.tally.record_dropped("buffer_full")
        error = entry[3].error_type if type(entry[3]) is Failure else ""
        self.tally.record_call(entry[4], error)

    def keep_batch(self, plan: CapturePlan, batch: Batch, output: object) -> None:
        """Keep a batch, or count its rows as dropped."""
        self.ensure_started()
        if batch.rows and not self.buffer.append_batch(BatchEntry(plan, batch, output)):
            self.tally.record_dropped("buffer_full", batch.rows)

    def count_call(self, duration_seconds: float | None, error_type: str = "") -> None:
        """Count a call whose row is not kept."""
        self.ensure_started()
        self.tally.record_call(duration_seconds, error_type)

    def lose(self, duration_seconds: float, rows: int = 1) -> None:
        """Count a call whose rows are lost by a fault of ours."""
        with self.guard:
            self.tally.record_call(duration_seconds)
            self.tally.record_dropped("fault", rows)

    def ensure_started(self) -> None:
        """Start the threads that fold and export, once in each process."""
        if not self._is_started:
            self._is_started = True
            self.append = self.buffer.rows.append
            self._start()

    def _start_and_append(self, entry: RowEntry) -> None:
        self.buffer.rows.append(entry)
        self.ensure_started()

    def _learn(self, plan: CapturePlan, value: object) -> CapturePlan:
        """Take the features' names from the first row that has any."""
        names = plan.reader.names_in(value)[:_MOST_FEATURES]
        if not names:
            return plan
        learned = CapturePlan(None, names, self._declared)
        with self._lock:
            if self.plan is plan:
                self.plan = self.last_plan = learned
            return learned
