"""Predictions and labels on their way in: held to the limits, committed and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from modelwatch.collector.outcomes.protocols import LabelsKept, OutcomeSink, PredictionsKept
from modelwatch.collector.receiving.outcome_admission import OutcomeAdmission
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = [
    "LABEL_OUTCOMES",
    "PREDICTION_OUTCOMES",
    "OutcomeIntake",
    "TakenIn",
    "add_counts",
    "counts_of",
]

PREDICTION_OUTCOMES: Final = ("stored", "joined", "duplicates", "expired", "refused")
LABEL_OUTCOMES: Final = (
    "joined",
    "waiting",
    "unsampled",
    "duplicates",
    "corrected",
    "taken_back",
    "outdated",
    "conflicting",
    "expired",
    "refused",
)


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """What became of predictions and labels.

    Attributes:
        counts: rows by what became of them, as `LABEL_OUTCOMES` or `PREDICTION_OUTCOMES` name it.
        incomplete: batches of which a row is not taken.
        message: why some are not taken; empty where all are.
    """

    counts: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0
    message: str = ""


class OutcomeIntake:
    """Belongs to one event loop.

    Args:
        sink: commits.
        admission: holds to the limits.
        counts: is told of all.
    """

    def __init__(
        self, sink: OutcomeSink, admission: OutcomeAdmission, counts: ReceiverCounts
    ) -> None:
        self._sink = sink
        self._counts = counts
        self.admission = admission

    async def take_predictions(self, batches: Sequence[PredictionRows]) -> TakenIn:
        """Commit predictions.

        Raises:
            StoreError: the store cannot take them now.
        """
        admitted = [self.admission.predictions([one]) for one in batches]
        rows = [one for taken, _ in admitted for one in taken]
        kept = await self._sink.keep_predictions(rows) if rows else PredictionsKept()
        return self._told(batches, admitted, kept, self._counts.predictions)

    async def take_labels(self, batches: Sequence[LabelRows]) -> TakenIn:
        """Commit labels.

        Raises:
            StoreError: the store cannot take them now.
        """
        admitted = [self.admission.labels([one]) for one in batches]
        rows = [one for taken, _ in admitted for one in taken]
        kept = await self._sink.keep_labels(rows) if rows else LabelsKept()
        return self._told(batches, admitted, kept, self._counts.labels)

    def count_refused(self, labels: int) -> None:
        """Count labels that could not be read."""
        add_counts(self._counts.labels, {"refused": labels})

    def _told(
        self,
        batches: Sequence[PredictionRows | LabelRows],
        admitted: Sequence[tuple[Sequence[PredictionRows | LabelRows], Counter[str]]],
        kept: PredictionsKept | LabelsKept,
        totals: dict[str, int],
    ) -> TakenIn:
        """Return what became of batches, and add it to what is counted."""
        refused: Counter[str] = Counter()
        counts = counts_of(kept)
        incomplete = counts["refused"]
        for sent, (taken, why) in zip(batches, admitted, strict=True):
            left_out = len(sent.ids) - sum(len(one.ids) for one in taken)
            counts["refused"] += left_out
            incomplete += left_out > 0
            refused.update(why)
        add_counts(totals, counts)
        add_counts(self._counts.refused_by_limit, refused)
        told = [self.admission.reason(kind) for kind in refused]
        told += [f"{rows} rows were refused: {reason}." for reason, rows in kept.refused.items()]
        return TakenIn(
            counts=counts, incomplete=min(incomplete, len(batches)), message=" ".join(told)
        )


def counts_of(kept: LabelsKept | PredictionsKept) -> Counter[str]:
    """Return how many rows became of what; those refused together."""
    counts = Counter({f.name: getattr(kept, f.name) for f in fields(kept) if f.name != "refused"})
    counts["refused"] = sum(kept.refused.values())
    return counts


def add_counts(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Add numbers that are not 0."""
    for name, number in more.items():
        if number:
            counts[name] = counts.get(name, 0) + number
