"""What all watched functions of one watch share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from modelwatch.capture.buffer import CLEAN, BatchEntry, Buffer, CallTally, RowEntry
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.events import EventLog
from modelwatch.capture.folding import Folder
from modelwatch.capture.guard import Guard
from modelwatch.capture.known_predictions import KnownPredictions
from modelwatch.capture.known_tables import Telling
from modelwatch.capture.labels import LabelLog
from modelwatch.capture.observation import Observation, rows_of
from modelwatch.capture.outputs import Failure, frozen
from modelwatch.capture.packed_rows import Kept
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.prediction import Prediction, identified
from modelwatch.capture.rows import Batch, Row
from modelwatch.capture.sampling import RowBudget, reseed
from modelwatch.capture.traced_rows import TracedRows
from modelwatch.telemetry.steering import Steering

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from modelwatch.baseline import Baseline

__all__ = ["Recorder"]

_MOST_FEATURES: Final = 1_000


class Resettable(Protocol):
    """Something that a forked child must start anew."""

    def reset(self) -> None:
        """Forget what is the parent's, and take new locks."""


class Steered(Protocol):
    """Something that captures as a collector asks."""

    def steer(self, steering: Steering) -> None:
        """Capture so from now on."""


class Recorder:
    """The plan, the buffer and the counts of one model version in one process.

    Thread-safe. `append` is what a watched call appends rows with: at first it starts the threads.

    Args:
        model: the model's name.
        version: its version.
        capacity_rows: rows that may wait to be folded.
        start: starts the threads that fold and export; called before the first row is kept.
        declared: what the watch was told of its inputs.
        track_predictions: whether predictions that somebody can know by an id are told.

    Attributes:
        plan: how rows are read; None while nothing is captured.
        is_closed: whether nothing will be captured any more.
        is_started: whether the threads run that fold and export.
        last_plan: the plan in use, or the last that was.
        quick_plan: the plan by which the usual call may be captured on the short way; None where
            each has to go the long way, for its span, say.
        tracer: makes a span for each prediction; None where nobody traces.
        events: what happened to single predictions.
        traced: rows whose traces can be told as examples.
        known: predictions that somebody can know by an id.
        asked: empty until somebody gets to know the id of a prediction while it is made; a list,
            as to see whether one is empty is all that it may cost a watched call.
        labels: of predictions, here or elsewhere.
        tracks: whether known predictions are told.
        tells: whether a feature may be named outside of the process.
        guard: swallows our faults.
        tally: counts calls and rows that are not captured.
        buffer: where rows wait.
        folder: makes profiles of them.
        budgets: what limits the rows a second of watched functions; reset with all else.
        observers: what is told of a collector's wishes.
        steering: these wishes.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        capacity_rows: int,
        start: Callable[[], None],
        declared: DeclaredInputs | None = None,
        track_predictions: bool = True,
    ) -> None:
        self.model = model
        self.version = version
        self._declared = declared
        self.last_plan = CapturePlan(None, declared=declared)
        self.plan: CapturePlan | None = self.last_plan
        self.quick_plan: CapturePlan | None = None
        self.tracer: Tracer | None = None
        self.guard = Guard()
        self.tally = CallTally()
        self.buffer = Buffer(capacity_rows)
        self.folder = Folder(model, version, buffer=self.buffer, tally=self.tally, guard=self.guard)
        self.capacity_rows = capacity_rows
        self.rows_waiting = self.buffer.rows.__len__
        self._start = start
        self._lock = threading.Lock()  # guards the plans, the tracer and the steering
        self.budgets: WeakSet[RowBudget] = WeakSet()
        self.observers: WeakSet[Steered] = WeakSet()
        self.events = EventLog()
        self.traced = TracedRows()
        self.known = KnownPredictions(model, version, guard=self.guard)
        self.asked: list[bool] = []
        self.labels = LabelLog(model)
        self.tracks = track_predictions
        self.tells: Callable[[str], bool] = _anything
        self.steering = Steering()
        self.is_started = False
        self.is_closed = False
        self.append: Callable[[RowEntry], None] = self._start_and_append

    def reset(self) -> None:
        """Forget all that was captured, as a forked child must; the parent has it too."""
        self._lock = threading.Lock()
        self.is_started = False
        self.append = self._start_and_append
        self._replace(self.last_plan)
        reseed()
        parts: list[Resettable] = [self.guard, self.tally, self.buffer, self.folder, self.events]
        for part in (*parts, self.traced, self.known, self.labels, *self.budgets):
            part.reset()

    def adopt(self, baseline: Baseline) -> None:
        """Read and check rows by a baseline from now on."""
        with self._lock:
            self._replace(self._planned(baseline, self.steering))

    def steer(self, steering: Steering) -> None:
        """Capture as a collector asks, until it asks for something else."""
        with self._lock:
            self.steering = steering
            for observer in self.observers:
                observer.steer(steering)
            plan = self.last_plan
            if plan.baseline is not None:
                plan = self._planned(plan.baseline, steering)
            self._replace(plan)

    def _planned(self, baseline: Baseline, steering: Steering) -> CapturePlan:
        limits = steering.outlier_limits
        return CapturePlan(baseline, limits=limits, declared=self._declared)

    def close(self) -> None:
        """Capture nothing more."""
        with self._lock:
            self.is_closed = True
            self._replace(self.last_plan)

    def trace(self, tracer: Tracer | None) -> None:
        """Make spans of predictions from now on, or none."""
        if tracer is not self.tracer:
            with self._lock:
                self.tracer = tracer
                self._replace(self.last_plan)

    def _replace(self, plan: CapturePlan) -> None:
        """Capture by a plan from now on, if at all; with the lock held."""
        is_on = not self.is_closed and self.steering.enabled is not False
        is_quick = is_on and self.is_started and self.tracer is None and plan.size > 0
        self.last_plan = plan
        self.buffer.know(plan)
        self.plan = plan if is_on else None
        self.quick_plan = plan if is_quick else None

    def budget(self, rows_per_second: float) -> RowBudget:
        """Return a new budget, which a forked child has to itself."""
        budget = RowBudget(rows_per_second)
        self.budgets.add(budget)
        return budget

    def read(
        self, plan: CapturePlan, value: object, *, apart: Sequence[str] = ()
    ) -> tuple[CapturePlan, Row | Batch]:
        """Read a call's features.

        Args:
            plan: how they are read.
            value: holds them.
            apart: names that no feature has, where no features are known yet.

        Returns:
            The plan that the features were read by, and what was read; a usual row is `CLEAN`.

        Raises:
            DataError: where the value holds no features.
        """
        values = plan.read_usual(value)
        if values is not None:
            return plan, Row(values, CLEAN)
        if not plan.size and plan.baseline is None:
            plan = self._learn(plan, value, apart)
        return plan, plan.reader.read(value)

    def keep_row(
        self, plan: CapturePlan, row: Row, output: object, duration_seconds: float
    ) -> None:
        """Keep a row, or count it as dropped."""
        if self.rows_waiting() < self.capacity_rows:
            self.buffer.know(plan)
            self.append((plan.number, row.values, row.extras, output, duration_seconds))
            return
        self.tally.record_dropped("buffer_full")
        error = output.error_type if isinstance(output, Failure) else ""
        self.tally.record_call(duration_seconds, error)

    def keep_quick(
        self, plan: CapturePlan, values: Kept, output: object, duration_seconds: float
    ) -> None:
        """Keep a usual row."""
        self.keep_row(plan, Row(values, CLEAN), frozen(output), duration_seconds)

    def count_unsampled(self, duration_seconds: float, error_type: str = "") -> None:
        """Count a call that the sample leaves out."""
        with self.guard:
            self.count_call(duration_seconds, error_type)
            self.tally.record_dropped("not_sampled")

    def keep_failed(
        self,
        plan: CapturePlan,
        values: Kept,
        error_type: str,
        duration_seconds: float,
    ) -> None:
        """Keep a usual row whose call has failed."""
        with self.guard:
            self.keep_quick(plan, values, Failure(error_type), duration_seconds)

    def keep_batch(self, plan: CapturePlan, batch: Batch, output: object) -> None:
        """Keep a batch, or count its rows as dropped."""
        self.ensure_started()
        if batch.rows and not self.buffer.append_batch(BatchEntry(plan, batch, output)):
            self.tally.record_dropped("buffer_full", batch.rows)

    def count_call(self, duration_seconds: float | None, error_type: str = "") -> None:
        """Count a call whose row is not kept."""
        self.ensure_started()
        self.tally.record_call(duration_seconds, error_type)

    def tell(self, observation: Observation, output: object) -> None:
        """Keep a prediction for its label to come, where somebody can know it by an id.

        Args:
            observation: has ended.
            output: its result, copied.
        """
        told, ids = observation.told, observation.ids
        if told is None or not self.tracks or type(output) is Failure:
            return
        with self.guard:
            prediction = observation.prediction
            if ids is None and not getattr(prediction, "known", False):
                if observation.needs_id:
                    self.known.drop("no_prediction_id", rows_of(told))
                return
            own = identified(prediction) if ids is None else ids
            plan, telling, segment = observation.plan, observation.telling, observation.segment
            if isinstance(told, Row):
                named = own if isinstance(own, str) else identified(prediction)
                self.known.add_row(plan, telling, named, output, told, segment)
            else:
                self.known.add_batch(plan, telling, own, output, told, segment)

    def tell_usual(
        self,
        plan: CapturePlan,
        values: Kept,
        prediction: Prediction,
        output: object,
        telling: Telling,
    ) -> None:
        """Do the same for a usual row of which somebody knows the id; its result is a copy."""
        if self.tracks and type(output) is not Failure:
            with self.guard:
                own = identified(prediction)
                if telling.has_values:
                    self.known.add_row(plan, telling, own, output, Row(values, CLEAN))
                else:
                    self.known.add_usual(plan, telling, own, output)

    def lose(self, duration_seconds: float, rows: int = 1) -> None:
        """Count a call whose rows are lost by a fault of ours."""
        with self.guard:
            self.tally.record_call(duration_seconds)
            self.tally.record_dropped("fault", rows)

    def ensure_started(self) -> None:
        """Start the threads that fold and export, once in each process."""
        if not self.is_started:
            self.is_started = True
            self.append = self.buffer.rows.append
            self._start()
            with self._lock:
                self._replace(self.last_plan)

    def _start_and_append(self, entry: RowEntry) -> None:
        self.buffer.rows.append(entry)
        self.ensure_started()

    def _learn(self, plan: CapturePlan, value: object, apart: Sequence[str]) -> CapturePlan:
        """Take the features' names from the first row that has any."""
        found = plan.reader.names_in(value)[:_MOST_FEATURES]
        names = [name for name in found if name not in apart]
        if not names:
            return plan
        learned = CapturePlan(None, names, declared=self._declared)
        with self._lock:
            if self.plan is plan:
                self._replace(learned)
            return learned


def _anything(_feature: str) -> bool:
    return True
