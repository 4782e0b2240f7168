"""The part of the API that compares versions of a model, and tells what should be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.rollouts.comparison import Side
from modelwatch.collector.rollouts.made import figures_of
from modelwatch.collector.rollouts.sqlite_suggestions import SqliteSuggestions
from modelwatch.collector.rollouts.wording import suggestion_document
from modelwatch.collector.security.principals import may_read
from modelwatch.collector.serving import answers, schemas
from modelwatch.collector.serving.rollout_reading import ReadRollout, RolloutReading
from modelwatch.collector.serving.rollout_schemas import ROLLOUT, SUGGESTIONS
from modelwatch.collector.windows import LATEST_NS
from modelwatch.document import finite_or_none
from modelwatch.rollout.pair_summary import PairSummary

__all__ = ["RolloutApi"]

MOST_LISTED = 500
MOST_FEATURES = 20
"""Features that are told of the distributions, the worst first."""

VersionText = Annotated[str | None, Query(max_length=200)]
SinceText = Annotated[
    str | None,
    Query(
        max_length=40,
        description="Unix seconds or ISO 8601; when the candidate was first heard of by default.",
    ),
]
UntilText = Annotated[
    str | None, Query(max_length=40, description="Unix seconds or ISO 8601; now by default.")
]


class RolloutApi:
    """Handlers of ``.../rollout`` and of suggestions. They block.

    Args:
        reading: compares versions.
        suggestions: has those that were made.
        pages_url: returns where the pages are.
    """

    def __init__(
        self,
        reading: RolloutReading,
        suggestions: SqliteSuggestions,
        *,
        pages_url: Callable[[], str],
    ) -> None:
        self._reading = reading
        self._suggestions = suggestions
        self._pages_url = pages_url

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api/v1")
        for path, show, summary, schema in (
            ("/models/{model:segment}/rollout", self.rollout, "Two versions compared", ROLLOUT),
            ("/suggestions", self.suggestions, "Suggestions, the newest first", SUGGESTIONS),
        ):
            router.get(path, summary=summary, responses={200: schemas.content(schema)})(show)
        return router

    def rollout(
        self,
        model: str,
        stable: VersionText = None,
        candidate: VersionText = None,
        since: SinceText = None,
        until: UntilText = None,
    ) -> dict[str, Any]:
        """Compare two versions: performance by labels, failed calls, latency and agreement.

        Where they are not given, the candidate is the live version that was first heard of last,
        and the stable one has the most rows of the others. ``suggestion`` is promote, roll_back or
        keep_watching. Each ``gain`` is by how much the candidate is better; its limits hold at any
        time, however often this is asked for. ``agreement`` is of predictions that both made under
        the same ids. ``drift`` compares the candidate's distributions with the stable version's.
        """
        found = self._reading.read(
            model, stable=stable, candidate=candidate, since=since, until=until
        )
        return _rollout(found)

    def suggestions(
        self,
        model: str | None = None,
        holding: Annotated[bool, Query(description="Those alone that still hold.")] = False,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
        cursor: Annotated[
            int | None, Query(ge=0, le=LATEST_NS, description="next_cursor of the page before.")
        ] = None,
    ) -> dict[str, Any]:
        """Return what was suggested: promote, roll_back or retrain, with the evidence then.

        ``ended`` is null while it holds; ``next_cursor`` is null on the last page.
        """
        page = self._suggestions.page(
            model=model, holding=holding, may_read=may_read, limit=limit, before=cursor
        )
        url = self._pages_url()
        return {
            "suggestions": [suggestion_document(one, pages_url=url) for one in page.suggestions],
            "next_cursor": page.cursor,
        }


def _rollout(read: ReadRollout) -> dict[str, Any]:
    found = read.rollout
    return {
        "model": found.model,
        "stable": _side(found.stable),
        "candidate": _side(found.candidate),
        "window": answers.window(found.window),
        "deciding_metric": found.deciding,
        "suggestion": found.suggestion.kind,
        "words": found.suggestion.words,
        "reasons": list(found.suggestion.reasons),
        "evidence": [figures_of(one) for one in found.suggestion.evidence],
        "agreement": None if found.pairs is None else _agreement(found.pairs),
        "drift": _drift(read.drift),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "version": side.version,
        "calls": side.all_calls,
        "failed": sum(one.failed for one in side.calls),
        "predictions": side.predictions,
        "labelled": side.labelled,
        "baseline_id": None if side.baseline is None else side.baseline.id,
    }


def _agreement(pairs: PairSummary) -> dict[str, Any]:
    both, only_stable = int(pairs.correct[1, 1]), int(pairs.correct[1, 0])
    only_candidate, none = int(pairs.correct[0, 1]), int(pairs.correct[0, 0])
    return {
        "pairs": pairs.rows,
        "compared": pairs.predicted,
        "agreed": pairs.agreed,
        "labelled": pairs.labelled,
        "both_right": both,
        "only_stable_right": only_stable,
        "only_candidate_right": only_candidate,
        "none_right": none,
        "values": [_value(pairs, name) for name in pairs.value_names],
    }


def _value(pairs: PairSummary, name: str) -> dict[str, Any]:
    difference = pairs.value_difference(name)
    return {
        "name": name,
        "rows": difference.rows,
        "mean_difference": finite_or_none(difference.mean),
        "mean_absolute_difference": finite_or_none(pairs.mean_absolute_difference(name)),
        "correlation": finite_or_none(pairs.correlation(name)),
    }


def _drift(found: Assessment) -> dict[str, Any]:
    ranked = [] if found.report is None else found.report.ranked()[:MOST_FEATURES]
    return {
        "state": found.state,
        "stable_rows": found.against.rows if found.against is not None else 0,
        "rows_taken_as": found.against.dependence if found.against is not None else "independent",
        "features": [
            {
                "name": one.name,
                "severity": one.severity,
                "psi": one.psi,
                "effect": one.effect,
                "diagnosis": one.diagnosis,
            }
            for one in ranked
        ],
    }
