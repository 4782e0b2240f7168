"""What the collector needs of whoever keeps predictions and labels, and what passes through it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from modelwatch.collector.windows import TimeWindow
from modelwatch.concept.concept_change import ConceptChange
from modelwatch.outcomes.label_delays import LabelDelays
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = [
    "MOST_CHANGES",
    "ConceptState",
    "LabelCounts",
    "LabelCoverage",
    "LabelsKept",
    "OutcomeSink",
    "OutcomeSource",
    "OutcomeWindow",
    "PredictionsKept",
]


MOST_CHANGES: Final = 100
"""Changes of a concept that are told where no other number is asked for."""


@dataclass(frozen=True, kw_only=True)
class PredictionsKept:
    """What became of some predictions.

    Attributes:
        stored: those that were new.
        joined: of these, those whose label was there already.
        duplicates: those that had been stored before.
        expired: those made before the horizon.
        refused: those that can never be stored, by reason.
    """

    stored: int = 0
    joined: int = 0
    duplicates: int = 0
    expired: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LabelsKept:
    """What became of some labels; each counts once.

    Attributes:
        joined: those that found one prediction or more.
        waiting: those kept until their prediction comes.
        unsampled: those of a prediction that the sample left out: it never will come.
        duplicates: those that said the same as before.
        corrected: those that replaced another label.
        taken_back: those that took a label back.
        outdated: those that became known before the one that is there, which stays.
        conflicting: those that became known at the same time as another one, which stays.
        expired: those of predictions made before the horizon, as far as their ids tell.
        refused: those that can never be stored, by reason.
    """

    joined: int = 0
    waiting: int = 0
    unsampled: int = 0
    duplicates: int = 0
    corrected: int = 0
    taken_back: int = 0
    outdated: int = 0
    conflicting: int = 0
    expired: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OutcomeWindow:
    """What is known of the predictions of one model version that were made in a window.

    Attributes:
        predictions: those that are kept to be joined.
        labelled: those of them whose label is known.
        summaries: what the labelled ones come to, by segment; the empty text is all of them. Of
            the baseline asked for.
        labelled_apart: labelled rows that were summed up for other baselines.
        through: grows whenever anything of the window changes; 0 where it is empty.
    """

    predictions: int = 0
    labelled: int = 0
    summaries: Mapping[str, OutcomeSummary] = field(default_factory=dict)
    labelled_apart: int = 0
    through: int = 0


@dataclass(frozen=True, kw_only=True)
class LabelCoverage:
    """How many predictions of a window have a label, and how long these took.

    Attributes:
        predictions: those that are kept to be joined.
        labelled: those of them whose label is known.
        delays: of those that are summed up for the current baseline; None where none is.
    """

    predictions: int
    labelled: int
    delays: LabelDelays | None = None

    @property
    def share(self) -> float:
        """Share of predictions that have a label; NaN where there are no predictions."""
        return self.labelled / self.predictions if self.predictions else math.nan


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """What became of a model's predictions and labels since its first one.

    Attributes:
        waiting: labels that are kept now and have no prediction.
        outcomes: labels by the names of `LabelsKept`, ``refused:`` before a reason; predictions by
            those of `PredictionsKept`, with ``predictions:`` before them.
    """

    waiting: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ConceptState:
    """What the errors of a model version tell, in the order in which its labels came.

    Attributes:
        changes: of their mean since the current baseline, in the order in which they were told.
        rows: errors that the current baseline's stream took; 0 where it has none yet.
        unknown: labels whose error is not known.
        rows_since: errors since the last change.
        mean_since: their mean; NaN where there is none.
    """

    changes: Sequence[ConceptChange] = ()
    rows: int = 0
    unknown: int = 0
    rows_since: int = 0
    mean_since: float = math.nan


class OutcomeSink(Protocol):
    """Takes predictions and labels; what it returned for has been committed, with what it led to.

    Raises of both methods:
        StoreBusy: the queue is full.
        StoreError: the store failed. In both cases some of many thousands of rows may be stored;
            who sends all of them again changes nothing of those.
    """

    async def keep_predictions(self, batches: Sequence[PredictionRows]) -> PredictionsKept:
        """Commit predictions, and join those whose label is there already."""
        ...

    async def keep_labels(self, batches: Sequence[LabelRows]) -> LabelsKept:
        """Commit labels, and join them with every version's prediction of the same id."""
        ...


class OutcomeSource(Protocol):
    """Answers what was joined. Blocking: call it off the event loop."""

    def outcomes(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return what is known of the predictions made in a window, for the current baseline."""
        ...

    def outcomes_counted(self, model: str, version: str, window: TimeWindow) -> OutcomeWindow:
        """Return the same without summaries, and rows apart. Cheap."""
        ...

    def outcomes_through(self, model: str, version: str, window: TimeWindow) -> int:
        """Return `OutcomeWindow.through` alone. Cheap."""
        ...

    def label_coverage(self, model: str, version: str, window: TimeWindow) -> LabelCoverage:
        """Return how many of the predictions made in a window have a label, and its delay."""
        ...

    def label_counts(self, model: str) -> LabelCounts:
        """Return what became of a model's predictions and labels in all. Cheap."""
        ...

    def concept(
        self, model: str, version: str, *, since_ns: int = 0, most: int = MOST_CHANGES
    ) -> ConceptState:
        """Return changes of the error that were told after a time, the latest so many. Cheap.

        Raises:
            StoreError: one of them is damaged.
        """
        ...

    def pairs(self, model: str, first: str, second: str, window: TimeWindow) -> PairSummary | None:
        """Return what two versions made of the same ids, by the time of either's prediction.

        The time is that of the version that the store has known for longer.

        Returns:
            None where they never predicted under the same ids, or no baseline tells what.
        """
        ...
