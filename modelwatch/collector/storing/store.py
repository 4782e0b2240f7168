"""What the collector needs of a store, and the values that pass through it.

The parts of the collector see only these Protocols: the receiver an `ArrivalSink`, the evaluation a
`WindowSource` and a `BaselineShelf`, the schedule an `EvaluationLog` too.
`modelwatch.collector.storing.sqlite_store` is the embedded implementation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from modelwatch.collector.outcomes.protocols import OutcomeSink, OutcomeSource
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.packing import unpack
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.profile import Profile
from modelwatch.telemetry.steering import Steering
from modelwatch.telemetry.wire.arrivals import Arrival
from modelwatch.telemetry.wire.examples import Example

__all__ = [
    "NO_MEMORIES",
    "ArrivalSink",
    "BaselineShelf",
    "Evaluation",
    "EvaluationLog",
    "ExampleSink",
    "ExampleSource",
    "FilledWindow",
    "Recalled",
    "SenderMemory",
    "SteeringShelf",
    "Store",
    "StoredBaseline",
    "SummarizedEvaluation",
    "Traces",
    "VersionSeen",
    "VersionSource",
    "WindowProfiles",
    "WindowSource",
    "Written",
]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of the points of one request.

    Attributes:
        stored: points that were new and are committed.
        duplicates: points that had been committed before, and were left out.
        rejected: points that can never be stored (times outside of signed 64 bit).
    """

    stored: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class SenderMemory:
    """The latest cumulative points of a sender, which its next ones are subtracted from.

    Attributes:
        latest_ns: when the latest of them ended, Unix nanoseconds.
        content: all of them, as who wrote them reads them.
    """

    latest_ns: int
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """What the store knows of some senders' cumulative points.

    Attributes:
        since_ns: of what began no sooner than this, nothing was counted but what a memory tells.
        memories: by their keys; those that there are.
    """

    since_ns: int
    memories: Mapping[int, SenderMemory]


@dataclass(frozen=True, kw_only=True)
class VersionSeen:
    """One model version that sent data or has a baseline.

    Attributes:
        rows: rows captured in all, over every window.
        first_seen_ns: start of its earliest profile, Unix nanoseconds; None without data.
        last_seen_ns: end of its latest profile, Unix nanoseconds; None without data.
        baseline_id: the current baseline's id; None where none was pushed.
        has_data: whether anything that was observed or found of it is still stored.
    """

    model: str
    version: str
    rows: int
    first_seen_ns: int | None
    last_seen_ns: int | None
    baseline_id: str | None
    has_data: bool

    @property
    def was_let_go(self) -> bool:
        """Whether it sent data once, of which nothing is stored any more."""
        return self.last_seen_ns is not None and not self.has_data


@dataclass(frozen=True, kw_only=True)
class WindowProfiles:
    """What was observed of one model version in one window.

    Attributes:
        profiles: one merged profile per baseline that the senders counted on; None is the key of
            what was counted without a baseline. Their bins differ, so they are kept apart.
        unmergeable: stored rows, or parts of them, left out since they are damaged or contradict
            the others.
        instances: how many distinct senders there were; beyond some 1,000 an estimate, see
            `modelwatch.collector.storing.senders`.
        through_id: the latest arrival that the window holds; it grows with late data.
    """

    profiles: Mapping[str | None, Profile]
    unmergeable: int
    instances: int
    through_id: int

    def rows_apart(self, baseline_id: str | None) -> int:
        """Return the rows that were counted on other bins than these."""
        return sum(p.rows for key, p in self.profiles.items() if key != baseline_id)


@dataclass(frozen=True, kw_only=True)
class FilledWindow:
    """A window of the grid that holds data: its number, and the latest profile in it."""

    number: int
    through_id: int


@dataclass(frozen=True, kw_only=True)
class StoredBaseline:
    """A pushed baseline: its id, its packed JSON form, and when it came (Unix nanoseconds)."""

    id: str
    packed: bytes
    pushed_ns: int

    @property
    def content(self) -> str:
        """Its JSON form, unpacked: most who ask for a baseline want its id alone.

        Raises:
            StoreError: the bytes are damaged.
        """
        return unpack(self.packed)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One scheduled comparison: the window, what it was compared with, and the report's JSON.

    Its summary is made of the report where who records it has none.
    """

    baseline_id: str
    window: TimeWindow
    through_id: int
    evaluated_ns: int
    report: str
    summary: EvaluationSummary | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class SummarizedEvaluation:
    """One scheduled comparison: the window, what it was compared with, and what it comes to."""

    baseline_id: str
    window: TimeWindow
    through_id: int
    evaluated_ns: int
    summary: EvaluationSummary


NO_MEMORIES: Final[Mapping[int, SenderMemory]] = {}


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Traces in which something was found, the latest first, as 32 hexadecimal digits each.

    Attributes:
        features: by feature: rows whose value is an outlier, then such as lie where values gather.
        outliers: those of rows with an outlier in any feature.
        errors: by type of error: of calls that failed.
    """

    features: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outliers: tuple[str, ...] = ()
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class ArrivalSink(Protocol):
    """Takes telemetry; what it returned for has been committed."""

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Commit the points that were not seen before, each exactly once.

        Args:
            arrivals: of delta temporality.
            memories: what is to be recalled, by keys, if and only if the arrivals are committed.

        Raises:
            StoreBusy: the queue is full; nothing was stored.
            StoreError: the store failed; nothing was stored.
        """
        ...

    def recall(self, keys: Collection[int]) -> Recalled:
        """Return the memories that were committed last. Blocking: call it off the event loop.

        Raises:
            StoreError: the store cannot be read.
        """
        ...


class ExampleSink(Protocol):
    """Takes examples of traces; what it returned for has been committed."""

    async def keep_examples(self, examples: Sequence[Example]) -> int:
        """Commit the latest few of each feature; return how many were new and are kept.

        Those of a version that sent no data are left out.

        Raises:
            StoreBusy: the queue is full; nothing was stored.
            StoreError: the store failed; nothing was stored.
        """
        ...


class ExampleSource(Protocol):
    """Answers in which traces something was found. Blocking: call it off the event loop."""

    def traces(self, model: str, version: str, window: TimeWindow) -> Traces:
        """Return the latest few of each feature and type of error in a window. Cheap."""
        ...


class VersionSource(Protocol):
    """Answers what models there are. Blocking: call it off the event loop."""

    def versions(self) -> list[VersionSeen]:
        """Return every model version, by model, then by the most recent data."""
        ...


class WindowSource(Protocol):
    """Answers what was observed when. Blocking: call it off the event loop."""

    def window(self, model: str, version: str, window: TimeWindow) -> WindowProfiles:
        """Return the merged profiles of what ended in the window."""
        ...

    def window_by_instance(
        self, model: str, version: str, window: TimeWindow
    ) -> Mapping[str, Profile]:
        """Return what each sender told of the window, as long as that is kept.

        Of a sender that counted on several baselines, the profile with most rows. What is damaged
        is left out.
        """
        ...

    def latest_rows(self, model: str, version: str, rows: int) -> WindowProfiles:
        """Return the newest rows: so many, and what else ended with the oldest of them.

        All that there are, where there are fewer.
        """
        ...

    def through_id(self, model: str, version: str, window: TimeWindow) -> int:
        """Return the latest arrival of the window, 0 where it is empty. Cheap."""
        ...

    def filled_windows(
        self, model: str, version: str, *, seconds: int, since_ns: int
    ) -> list[FilledWindow]:
        """Return the windows of the grid of ``seconds`` that hold data after ``since_ns``."""
        ...


class BaselineShelf(Protocol):
    """Keeps baselines; the newest of a model version is the current one."""

    async def put_baseline(self, model: str, version: str, baseline_id: str, content: str) -> None:
        """Commit a baseline and make it the current one of its model version."""
        ...

    def baseline(self, model: str, version: str) -> StoredBaseline | None:
        """Return the current baseline. Blocking."""
        ...


class SteeringShelf(Protocol):
    """Keeps how the capture of each model version is steered."""

    async def put_steering(self, model: str, version: str, steering: Steering | None) -> None:
        """Commit a document in place of the one before; None for none."""
        ...

    def steering(self, model: str, version: str) -> Steering | None:
        """Return the document, or None where there is none. Blocking."""
        ...


class EvaluationLog(Protocol):
    """Keeps scheduled evaluations, one per baseline and window: a later one replaces it."""

    async def record_evaluation(self, model: str, version: str, evaluation: Evaluation) -> None:
        """Commit one evaluation."""
        ...

    def evaluated(
        self, model: str, version: str, *, baseline_id: str, since_ns: int
    ) -> dict[TimeWindow, int]:
        """Return the windows that end after ``since_ns`` and were compared with this baseline.

        Each comes with the latest stored profile that was taken into account. Blocking.
        """
        ...

    def evaluations(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int = LATEST_NS,
        seconds: int | None = None,
        aligned: bool = True,
    ) -> list[Evaluation]:
        """Return the ``limit`` latest evaluations of windows that end by a time, oldest first.

        Where a length is given, of windows that are so long; where they are to be aligned, of
        those on the grid of that length, as scheduled ones are. Blocking.
        """
        ...

    def summaries(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int = LATEST_NS,
        seconds: int | None = None,
        aligned: bool = True,
    ) -> list[SummarizedEvaluation]:
        """Return the same without their reports: many of them in milliseconds. Blocking."""
        ...


class Store(
    ArrivalSink,
    ExampleSink,
    ExampleSource,
    VersionSource,
    WindowSource,
    BaselineShelf,
    SteeringShelf,
    EvaluationLog,
    OutcomeSink,
    OutcomeSource,
    Protocol,
):
    """All of the above: what the composition root hands around."""
