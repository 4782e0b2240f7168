"""Which findings hold over the windows that were evaluated by themselves.

Only windows of the collector's own length count, and only those that were compared with one and the
same baseline: a new one starts anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.storing.store import EvaluationLog, SummarizedEvaluation
from modelwatch.persistence import FeatureHistory, Persistence, feature_histories

__all__ = ["EvaluatedWindow", "held_words", "histories_of", "read_windows", "windows_needed"]

LOOK_BACK = 4
"""Windows that are looked through for each of the last m: some may hold too little to judge."""


@dataclass(frozen=True, kw_only=True)
class EvaluatedWindow:
    """One evaluation, read.

    Attributes:
        evaluation: as the store has it, with what it comes to.
        histories: what was known of each feature when the window ended, worst first.
    """

    evaluation: SummarizedEvaluation
    histories: list[FeatureHistory]


def windows_needed(persistence: Persistence) -> int:
    """Return how many of the latest evaluations tell what holds now."""
    return LOOK_BACK * persistence.m


def read_windows(
    evaluations: Iterable[SummarizedEvaluation], persistence: Persistence
) -> list[EvaluatedWindow]:
    """Read evaluations, and tell of each which findings held when it ended.

    Args:
        evaluations: oldest first; the first ones know nothing of those before them.
        persistence: in how many windows a finding must hold.
    """
    known = list(evaluations)
    alike: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for place, found in enumerate(known):
        alike[found.baseline_id, found.window.seconds].append(place)
    histories: dict[int, list[FeatureHistory]] = {}
    for places in alike.values():
        told = feature_histories((known[place].summary for place in places), persistence)
        histories.update(zip(places, told, strict=True))
    return [
        EvaluatedWindow(evaluation=found, histories=histories[place])
        for place, found in enumerate(known)
    ]


def histories_of(
    log: EvaluationLog, found: Assessment, options: CollectorOptions
) -> list[FeatureHistory]:
    """Return what is known of each feature in the finished windows up to a window's end. Blocking.

    Args:
        log: where the evaluations are.
        found: the window, of any length, and the baseline that it was compared with.
        options: the length of the finished windows, and in how many a finding must hold.
    """
    if found.baseline is None or found.against is not None:
        return []
    latest = log.summaries(
        found.model,
        found.version,
        limit=windows_needed(options.persistence),
        until_ns=found.window.end_ns,
        seconds=options.window_seconds,
    )
    for window in reversed(read_windows(latest, options.persistence)):
        if window.evaluation.baseline_id == found.baseline.id:
            return window.histories
    return []


def held_words(history: FeatureHistory) -> str:
    """Say in how many windows a feature was found to drift; empty where in none.

    >>> held_words(FeatureHistory(name="age", severity="drift", found=2, judged=3))
    'in 2 of the last 3 windows'
    """
    if not history.found:
        return ""
    if history.judged == 1:
        return "in the one window judged so far"
    return f"in {history.found} of the last {history.judged} windows"
