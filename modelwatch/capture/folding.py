"""Captured rows into the profile of the current window."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np

from modelwatch.capture.buffer import BatchEntry, Buffer, CallTally, RowEntry
from modelwatch.capture.guard import Guard
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plain_values import with_plain_values
from modelwatch.capture.plan import CapturePlan
from modelwatch.profile import Profile
from modelwatch.tables.columns import ABSENT, RawColumn

__all__ = ["ROWS_AT_ONCE", "Folder"]

_MOST_OUTPUTS: Final = 100
"""Outputs that no baseline names are summarised up to this many, first come."""

ROWS_AT_ONCE: Final = 1_024
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

    def cut(self, plan: CapturePlan) -> list[Profile]:
        """Fold all that waits, end the window and return its profiles, oldest first.

        Args:
            plan: gives the baseline to count under where calls were counted but no row was kept.

        Returns:
            One profile for each baseline and set of outputs in use; none where nothing happened.
        """
        with self._lock:
            self._fold_all()
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
            for _, group in groupby(entries, key=_plan_identity):
                self._fold_group(list(group))
        while (batch := self._buffer.take_batch()) is not None:
            self._fold_batch(batch)

    def _fold_group(self, entries: list[RowEntry]) -> None:
        """Fold rows that were read by one plan; calls are counted even where a row cannot be."""
        done = [entry for entry in entries if type(entry[3]) is not Failure]
        failed = [entry for entry in entries if type(entry[3]) is Failure]
        for part in (done, failed):
            if part:
                self._fold_rows(part)
        with self._guard:
            error_types = Counter(entry[3].error_type for entry in failed)
            durations = [entry[4] for entry in entries]
            self._current(entries[0][0]).record_calls(durations, error_types)
            self.calls_seen += len(entries)

    def _fold_rows(self, entries: list[RowEntry]) -> None:
        folded = False
        with self._guard:
            plan = entries[0][0]
            columns = _input_columns(plan, entries)
            outputs: dict[str, RawColumn] = {}
            if type(entries[0][3]) is not Failure:
                outputs = plan.outputs.columns([entry[3] for entry in entries])
            self._update(plan, columns, outputs, len(entries))
            folded = True
        if not folded:
            self._lose(len(entries))

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
        columns: Mapping[str, RawColumn],
        outputs: Mapping[str, RawColumn],
        rows: int,
    ) -> None:
        profile = self._current(plan, [name for name in outputs if name not in columns])
        known = self._outputs if plan.baseline is None else outputs.keys()
        own = {name: outputs[name] for name in outputs if name in known}
        every = {**own, **columns}
        profile.update(with_plain_values(every) if self._is_wary else every)
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
        if profile is None or profile.baseline_id != plan.baseline_id:
            self._finish_profile()
            profile = self._profile = Profile.empty(
                self._model,
                self._version,
                baseline=plan.baseline,
                outputs=self._outputs,
                start_ns=self._since_ns,
            )
        return profile

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


def _plan_identity(entry: RowEntry) -> int:
    return id(entry[0])


def _input_columns(plan: CapturePlan, entries: Sequence[RowEntry]) -> dict[str, RawColumn]:
    columns: dict[str, RawColumn] = {}
    if plan.size:
        by_feature = zip(*[entry[1] for entry in entries], strict=True)
        columns = dict(zip(plan.reader.names, by_feature, strict=True))
    extras: list[Mapping[str, Any]] = [entry[2] or {} for entry in entries]
    for name in dict.fromkeys(name for extra in extras for name in extra):
        columns[name] = [extra.get(name, ABSENT) for extra in extras]
    return columns


def _completed(entry: BatchEntry) -> dict[str, RawColumn]:
    """Return a batch's columns, with the baseline's inputs that it lacks as absent."""
    columns = dict(entry.batch.columns)
    for name in entry.plan.reader.names:
        columns.setdefault(name, [ABSENT] * entry.batch.rows)
    return columns
