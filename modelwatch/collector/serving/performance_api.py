"""The part of the API that tells how well models do, and whether a relation changed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.outcomes import changed_cells, concept_findings
from modelwatch.collector.evaluating.performance_history import (
    PerformanceHistory,
    WindowPerformance,
)
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.serving import answers, schemas
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.performance_schemas import CONCEPT, PERFORMANCE
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.queries import read_window, require_version
from modelwatch.collector.storing.store import VersionSource
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import ConceptFinding, LabelFindings
from modelwatch.report.label_words import concept_words, headline_metric

__all__ = ["PerformanceApi"]

MOST_WINDOWS = 168
"""Windows in one answer."""

MOST_EVALUATED = 48
"""Windows in one answer where they are of another length than the collector's own, so that each is
evaluated for it."""

DEFAULT_WINDOWS = 24

WindowText = Annotated[
    str | None, Query(description="Length of the windows: 15m, 1h, 7d.", examples=["1h"])
]
EndText = Annotated[
    str | None, Query(description="Later windows are left out; Unix seconds or ISO 8601.")
]
SegmentText = Annotated[
    str | None, Query(description="Tells of this segment alone; nothing is estimated for it.")
]


class PerformanceApi:
    """Handlers of ``.../performance`` and ``.../concept``. They block.

    Args:
        versions: which model versions there are.
        history: how well they did.
        evaluator: compares windows.
        options: gives the default length of a window.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        versions: VersionSource,
        history: PerformanceHistory,
        evaluator: Evaluator,
        options: CollectorOptions,
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._versions = versions
        self._history = history
        self._evaluator = evaluator
        self._options = options
        self._clock = clock

    def router(self, path: str) -> APIRouter:
        """Return the routes.

        Args:
            path: of a model version.
        """
        router = APIRouter()
        for place, show, summary, schema in (
            ("performance", self.performance, "Performance by window", PERFORMANCE),
            ("concept", self.concept, "Did the relation change?", CONCEPT),
        ):
            router.get(
                f"{path}/{place}", summary=summary, responses={200: schemas.content(schema)}
            )(show)
        return router

    def performance(
        self,
        model: str,
        version: str,
        window: WindowText = None,
        end: EndText = None,
        limit: Annotated[int, Query(ge=1, le=MOST_WINDOWS)] = DEFAULT_WINDOWS,
        segment: SegmentText = None,
    ) -> dict[str, Any]:
        """Return how well a version did in its latest finished windows, oldest first.

        Of each measure: on the baseline, estimated without labels, and realised by the labels that
        there are now, with 95% intervals; ``verdict`` and ``explained`` say what these three come
        to. ``labels`` says how many predictions have a label; while ``still_coming`` is true, what
        is realised may change. With another length than the collector's own, up to 48 windows.
        """
        require_version(self._versions, model, version)
        default = self._options.window_seconds
        asked = read_window(window, end, default_seconds=default, clock=self._clock)
        seconds = asked.window.seconds
        if seconds != default and limit > MOST_EVALUATED:
            detail = f"limit is {limit}: give {MOST_EVALUATED} at most, as each window of"
            raise Problem(400, "invalid-limit", f"{detail} {seconds} s is evaluated for it.")
        until_ns = self._clock() if asked.live else asked.window.end_ns
        found = self._history.windows(
            model,
            version,
            seconds=seconds,
            limit=limit,
            until_ns=until_ns,
            segment=segment or "",
        )
        return {
            "model": model,
            "version": version,
            "window_seconds": seconds,
            "segment": segment or None,
            "segments": sorted({name for one in found for name in one.segments}),
            "windows": [_window(one) for one in found],
        }

    def concept(
        self, model: str, version: str, window: WindowText = None, end: EndText = None
    ) -> dict[str, Any]:
        """Return how errors changed as labels came in, the latest first, and since when.

        ``where`` says in which cells errors rose most since the latest change, against the
        baseline. ``verdict`` is of the latest finished window with enough labels up to the end of
        the one asked for: what of the change the inputs explain.
        """
        require_version(self._versions, model, version)
        default = self._options.window_seconds
        asked = read_window(window, end, default_seconds=default, clock=self._clock)
        until_ns = self._clock() if asked.live else asked.window.end_ns
        found = self._judged(model, version, asked.window.seconds, until_ns)
        state = self._history.concept(model, version)
        regions = self._history.regions(model, version, state, until_ns=until_ns)
        changes = concept_findings(state, regions)
        latest = next(iter(changes), None)
        worse = latest is not None and latest.is_worse
        return {
            "model": model,
            "version": version,
            "changed_since": iso(latest.began_ns) if latest is not None and worse else None,
            "changes": [_change(one) for one in changes],
            "labels": state.rows,
            "labels_since_change": state.rows_since,
            "error_since_change": None if math.isnan(state.mean_since) else state.mean_since,
            "where": [asdict(cell) for cell in changed_cells(regions)],
            **_judgement(found),
        }

    def _judged(self, model: str, version: str, seconds: int, until_ns: int) -> Assessment | None:
        """Return the latest window with enough labels; None where there is none."""
        windows = self._history.windows(
            model, version, seconds=seconds, limit=MOST_EVALUATED, until_ns=until_ns
        )
        for one in reversed(windows):
            if any(metric.realized is not None for metric in one.metrics.values()):
                return self._evaluator.assess(model, version, one.window)
        return None


def _judgement(found: Assessment | None) -> dict[str, Any]:
    if found is None or found.report is None or found.outcomes is None:
        return {"verdict": None, "window": None, "label_bias": None}
    metric = headline_metric(found.report.performance)
    return {
        "verdict": metric
        and {"metric": metric.name, "verdict": metric.verdict, "explained": metric.explained},
        "window": answers.window(found.window),
        "label_bias": found.outcomes.labels.bias,
    }


def _window(found: WindowPerformance) -> dict[str, Any]:
    return {
        **answers.window(found.window),
        "labels": None if found.labels is None else _labels(found.labels),
        "metrics": {name: _metric(one) for name, one in found.metrics.items()},
    }


def _labels(found: LabelFindings) -> dict[str, Any]:
    return {
        "predictions": found.predictions,
        "labelled": found.labelled,
        "coverage": found.coverage,
        "still_coming": found.is_partial,
        "delay_median_seconds": found.delay_median_seconds,
        "delay_p90_seconds": found.delay_most_seconds,
    }


def _metric(found: PerformanceMetric) -> dict[str, Any]:
    realised = found.realized is not None
    return {
        "reference": _value(found.reference, found.reference_lower, found.reference_upper),
        "estimated": _value(found.estimated, found.estimated_lower, found.estimated_upper),
        "realized": _value(found.realized, found.lower, found.upper) if realised else None,
        "rows": found.rows,
        "verdict": found.verdict,
        "explained": found.explained,
    }


def _value(value: float | None, lower: float | None, upper: float | None) -> dict[str, Any] | None:
    return None if value is None else {"value": value, "lower": lower, "upper": upper}


def _change(found: ConceptFinding) -> dict[str, Any]:
    return {
        "direction": found.direction,
        "began": iso(found.began_ns),
        "detected": iso(found.detected_ns),
        "error_before": found.before,
        "error_after": found.after,
        "rows_before": found.rows_before,
        "rows_after": found.rows_after,
        "confidence": found.confidence,
        "words": concept_words(found),
    }
