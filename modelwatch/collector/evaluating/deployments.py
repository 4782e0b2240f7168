"""Where the findings of a window come from, by what the windows before it came to. Blocking.

What is known when a window ends is kept with its evaluation, so that each window needs the one
before it alone, and nothing is lost with a process. Where an old window is judged anew, those after
it follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.quick_json import from_json, to_json
from modelwatch.collector.storing.store import (
    Evaluation,
    EvaluationLog,
    SummarizedEvaluation,
    VersionSource,
)
from modelwatch.collector.windows import HORIZON_WINDOWS, NANOSECONDS, TimeWindow
from modelwatch.model_fingerprint import MODEL_HASH, parts_of_mismatch
from modelwatch.origins import Deployed, Run, follow_deployment, with_origins
from modelwatch.report.drift_report import DriftReport

__all__ = ["DeploymentLog", "Deployments"]

LOOK_BACK: Final = 8
"""Evaluations that are looked through for the window before: some were compared with others."""


class DeploymentLog(EvaluationLog, VersionSource, Protocol):
    """What is asked of the store: evaluations, and when a version was first seen."""


class Deployments:
    """Tells of findings whether they are there since a deployment. Thread-safe.

    Args:
        log: has the evaluations.
        window_seconds: length of the windows that are evaluated by themselves.
    """

    def __init__(self, log: DeploymentLog, *, window_seconds: int) -> None:
        self._log = log
        self._seconds = window_seconds
        self._width_ns = window_seconds * NANOSECONDS

    def told(self, found: Assessment) -> Assessment:
        """Return what is known of a window, of which each finding says where it comes from.

        Of a window of the schedule, what is known of the deployment after it is told too. Of any
        other, findings are taken for those that held by the schedule when it ended; what came and
        went within a longer window stays unknown.

        Raises:
            StoreError: the store cannot be read.
        """
        if found.baseline is None or found.report is None or found.against is not None:
            return found
        if not self._is_scheduled(found.window):
            return replace(found, report=with_origins(found.report, self._runs(found)))
        deployed = self._after(found, found.report)
        report = with_origins(found.report, deployed.runs)
        return replace(found, report=report, deployed=deployed)

    def corrected(
        self, model: str, version: str, baseline_id: str, first: TimeWindow
    ) -> list[Evaluation]:
        """Return evaluations after a window whose findings come from elsewhere than they say.

        Args:
            model: the model's name.
            version: its version.
            baseline_id: what windows are compared with.
            first: a window that was judged anew, and committed.

        Raises:
            StoreError: the store cannot be read, or an evaluation in it is damaged.
            FormatError: likewise.
        """
        latest = self._log.summaries(model, version, limit=1, seconds=self._seconds)
        if not latest or latest[-1].window.end_ns <= first.end_ns:
            return []
        every = self._log.summaries(
            model, version, limit=2 * HORIZON_WINDOWS, seconds=self._seconds
        )
        alike = [one for one in every if one.baseline_id == baseline_id]
        before: Deployed | None = None
        wrong = []
        for one in alike:
            known = one.summary.deployed
            if one.window.end_ns > first.end_ns and before is not None and known is not None:
                after = follow_deployment(
                    before, one.summary.features, start_ns=one.window.start_ns, seen=known.seen
                )
                if after != known:
                    wrong.append((one, after))
                known = after
            before = known
        made = (self._corrected(model, version, one, after) for one, after in wrong)
        return [evaluation for evaluation in made if evaluation is not None]

    def _corrected(
        self, model: str, version: str, told: SummarizedEvaluation, after: Deployed
    ) -> Evaluation | None:
        """Return an evaluation with what is known now; None where it was let go meanwhile."""
        kept = self._log.evaluations(
            model, version, limit=LOOK_BACK, until_ns=told.window.end_ns, seconds=self._seconds
        )
        key = (told.window, told.baseline_id)
        stored = next((one for one in kept if (one.window, one.baseline_id) == key), None)
        if stored is None:
            return None
        report = with_origins(DriftReport.from_dict(from_json(stored.report)), after.runs)
        return replace(
            stored,
            report=to_json(report.to_dict()).decode(),
            summary=replace(told.summary, deployed=after),
        )

    def _is_scheduled(self, window: TimeWindow) -> bool:
        return (
            window.end_ns - window.start_ns == self._width_ns
            and window.start_ns % self._width_ns == 0
        )

    def _after(self, found: Assessment, report: DriftReport) -> Deployed:
        before = self._latest(found, until_ns=found.window.start_ns)
        return follow_deployment(
            before.summary.deployed if before else None,
            report.features,
            start_ns=found.window.start_ns,
            seen=_seen(found),
            is_first=before is None and self._is_first(found),
        )

    def _runs(self, found: Assessment) -> Mapping[str, Run]:
        """Return the runs of findings that a window of any length and end is part of."""
        latest = self._latest(found, until_ns=found.window.end_ns)
        features = found.report.features if found.report else {}
        if latest is None:
            is_first = self._is_first(found)
            start_ns = found.window.start_ns
            return follow_deployment(None, features, start_ns=start_ns, is_first=is_first).runs
        deployed = latest.summary.deployed
        if deployed is None:
            return {}
        runs = {name: Run("skew", deployed.start_ns) for name in deployed.unjudged}
        if found.window.start_ns >= latest.window.start_ns:
            since_ns = max(found.window.start_ns, latest.window.end_ns)
            calm = features.keys() - runs.keys()
            runs |= {name: Run("drift", min(since_ns, found.window.end_ns)) for name in calm}
        return {**runs, **deployed.runs}

    def _latest(self, found: Assessment, *, until_ns: int) -> SummarizedEvaluation | None:
        """Return the latest evaluation against the same baseline of a window that ends by a time.

        Where there is none of the schedule's length, that may have been changed; evaluations that
        somebody asked for know nothing of the deployment.
        """
        for seconds in (self._seconds, None):
            kept = self._log.summaries(
                found.model, found.version, limit=LOOK_BACK, until_ns=until_ns, seconds=seconds
            )
            for one in reversed(kept):
                is_told = seconds is not None or one.summary.deployed is not None
                if is_told and found.baseline is not None and one.baseline_id == found.baseline.id:
                    return one
        return None

    def _is_first(self, found: Assessment) -> bool:
        """Tell whether a window holds the first data of its version, which may begin before it."""
        for seen in self._log.versions():
            if (seen.model, seen.version) == (found.model, found.version):
                first_ns = seen.first_seen_ns
                return first_ns is not None and first_ns > found.window.start_ns - self._width_ns
        return False


def _seen(found: Assessment) -> frozenset[str]:
    """Return with what baseline the window's rows were counted, and what binary was served."""
    current, baseline = found.current, found.baseline
    if current is None or baseline is None or current.baseline_id is None:
        return frozenset()
    others = {key for key in +current.mismatches if parts_of_mismatch(key)[0] == MODEL_HASH}
    is_known = baseline.fingerprint is not None and baseline.fingerprint.model_hash
    return frozenset({current.baseline_id, *(others or ({MODEL_HASH} if is_known else ()))})
