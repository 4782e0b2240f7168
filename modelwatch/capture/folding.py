"""Captured rows into the profile of the current window."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from modelwatch.capture.buffer import BatchEntry, Buffer, CallTally
from modelwatch.capture.guard import Guard
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plain_values import Column, with_plain_values
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.row_groups import RowGroup, alike, input_columns
from modelwatch.profile import Profile
from modelwatch.tables.columns import ABSENT, RawColumn

__all__ = ["ROWS_AT_ONCE", "Folder"]

_MOST_OUTPUTS: Final = 100
"""Outputs that no baseline names are summarised up to this many, first come."""

ROWS_AT_ONCE: Final = 2_048
"""Rows folded together: enough for numpy to pay, few enough to hold the GIL for a millisecond."""


class Folder:
    """Folds what a buffer holds into profiles, and cuts them at the end of a window.

    Thread-safe: one lock is held while rows are folded; nothing is read or sent under it.

    Args:
        model: the model's name.
        version: its version.
        buffer: where captured rows wait.
        tally: counts calls whose rows are not captured.
        guard: keeps faults away from the thread that folds.
        clock_ns: Unix time in nanoseconds.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        buffer: Buffer,
        tally: CallTally,
        guard: Guard,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._model = model
        self._version = version
        self._buffer = buffer
        self._tally = tally
        self._guard = guard
        self._clock_ns = clock_ns
        self.reset()

    def reset(self) -> None:
        """Forget all that was folded, and take a new lock: what a forked child needs."""
        self._lock = threading.Lock()  # guards all below, and taking from the buffer
        self._profile: Profile | None = None
        self._plan: CapturePlan | None = None
        self._outputs: frozenset[str] = frozenset()
        self._finished: list[Profile] = []
        self._since_ns = self._clock_ns()
        self._is_wary = False
        self.rows_captured = 0
        self.calls_seen = 0

    def fold(self) -> None:
        """Fold all that waits in the buffer."""
        with self._lock:
            self._fold_all()

    def fold_full(self) -> None:
        """Fold what waits where it is enough for numpy to pay; the rest can wait longer."""
        if len(self._buffer) >= min(ROWS_AT_ONCE, self._buffer.capacity_rows // 4):
            self.fold()

    def cut(self, plan: CapturePlan) -> list[Profile]:
        """Fold all that waits, end the window and return its profiles, oldest first.

        Args:
            plan: gives the baseline to count under where calls were counted but no row was kept.

        Returns:
            One profile for each baseline and set of outputs in use; none where nothing happened.
        """
        with self._lock:
            self._fold_all()
            self._buffer.let_go(plan)
            with self._guard:
                self._fold_tally(plan)
            self._finish_profile()
            finished, self._finished = self._finished, []
            self._since_ns = self._clock_ns()
            return finished

    def _fold_all(self) -> None:
        for _ in range(2 + self._buffer.capacity_rows // ROWS_AT_ONCE):
            entries = self._buffer.take_rows(ROWS_AT_ONCE)
            if not entries:
                break
            lost = len(entries)
            for group in alike(entries, self._buffer.plans):
                self._fold_group(group)
                lost -= group.rows
            if lost:  # of plans that were let go, which took longer than any call does to end
                self._tally.record_dropped("fault", lost)
        while (batch := self._buffer.take_batch()) is not None:
            self._fold_batch(batch)

    def _fold_group(self, group: RowGroup) -> None:
        """Fold rows that were read by one plan; calls are counted even where a row cannot be."""
        folded = False
        with self._guard:
            layout = None if self._is_wary or not group.is_clean else group.plan.layout
            columns = input_columns(group) if layout is None else layout.columns(group.values)
            outputs: Mapping[str, RawColumn] = {}
            if not group.is_failed:
                outputs = group.plan.outputs.columns(group.outputs)
            self._update(group.plan, columns, outputs, group.rows, is_clean=layout is not None)
            folded = True
        if not folded:
            self._lose(group.rows)
        with self._guard:
            failures: Counter[str] = Counter()
            if group.is_failed:
                failures.update(output.error_type for output in group.outputs)
            self._current(group.plan).record_calls(group.durations, failures)
            self.calls_seen += group.rows

    def _fold_batch(self, entry: BatchEntry) -> None:
        folded = False
        with self._guard:
            outputs: dict[str, RawColumn] = {}
            if type(entry.output) is not Failure:
                outputs = entry.plan.outputs.batch_columns(entry.output, entry.batch.rows)
            self._update(entry.plan, _completed(entry), outputs, entry.batch.rows)
            folded = True
        if not folded:
            self._lose(entry.batch.rows)

    def _lose(self, rows: int) -> None:
        """Count rows that could not be folded, and be wary of the values of later ones."""
        self._tally.record_dropped("fault", rows)
        self._is_wary = True

    def _update(
        self,
        plan: CapturePlan,
        columns: Mapping[str, Column],
        outputs: Mapping[str, RawColumn],
        rows: int,
        *,
        is_clean: bool = False,
    ) -> None:
        profile = self._current(plan, [name for name in outputs if name not in columns])
        known = self._outputs if plan.baseline is None else outputs.keys()
        own = {name: outputs[name] for name in outputs if name in known}
        every: dict[str, Column] = {**own, **columns}
        if self._is_wary:
            every = with_plain_values(every)
        profile.update(every, is_clean=is_clean)
        self.rows_captured += rows

    def _current(self, plan: CapturePlan, outputs: Sequence[str] = ()) -> Profile:
        """Return the window's profile; a change of baseline or a new output starts another one."""
        profile = self._profile
        if plan.baseline is None:
            room = _MOST_OUTPUTS - len(self._outputs)
            new = [name for name in outputs if name not in self._outputs][:room]
            if new:
                self._outputs |= frozenset(new)
                profile = None
        if profile is None or self._is_other(plan):
            self._finish_profile()
            self._plan = plan
            profile = self._profile = Profile.empty(
                self._model,
                self._version,
                baseline=plan.baseline,
                limits=plan.limits,
                outputs=self._outputs,
                start_ns=self._since_ns,
            )
        return profile

    def _is_other(self, plan: CapturePlan) -> bool:
        """Tell whether a plan has another baseline, or other limits, than the window's profile."""
        mine = self._plan
        if mine is None or mine is plan:
            return mine is None
        return (mine.baseline_id, mine.limits) != (plan.baseline_id, plan.limits)

    def _finish_profile(self) -> None:
        profile, self._profile = self._profile, None
        if profile is not None:
            profile.end_ns = max(self._clock_ns(), profile.start_ns + 1)
            self._since_ns = profile.end_ns
            self._finished.append(profile)

    def _fold_tally(self, plan: CapturePlan) -> None:
        tallied = self._tally.take()
        calls = tallied.predictions.total()
        if not calls and not tallied.dropped:
            return
        profile = self._profile or self._current(plan)
        profile.predictions.update(tallied.predictions)
        profile.dropped.update(tallied.dropped)
        profile.duration.counts += np.array(tallied.durations, dtype=np.int64)
        profile.duration_sum_seconds += tallied.duration_sum_seconds
        self.calls_seen += calls


def _completed(entry: BatchEntry) -> dict[str, RawColumn]:
    """Return a batch's columns, with the baseline's inputs that it lacks as absent."""
    columns = dict(entry.batch.columns)
    for name in entry.plan.reader.names:
        columns.setdefault(name, [ABSENT] * entry.batch.rows)
    return columns
