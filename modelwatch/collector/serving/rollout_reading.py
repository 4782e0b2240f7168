"""Which versions a request asks to be compared, and what they come to. Shared by API and pages."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.evaluating.live_comparison import LiveComparisons
from modelwatch.collector.evaluating.references import Against
from modelwatch.collector.rollouts.comparison import Rollout
from modelwatch.collector.rollouts.rollouts import Rollouts
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.queries import known_models, require_version, visible_versions
from modelwatch.collector.storing.store import VersionSeen, VersionSource
from modelwatch.collector.windows import parse_end
from modelwatch.errors import ConfigurationError

__all__ = ["ReadRollout", "RolloutReading"]


@dataclass(frozen=True, kw_only=True)
class ReadRollout:
    """Two versions beside each other.

    Attributes:
        rollout: what is known of both, and what is suggested.
        drift: the candidate's distributions against the stable version's, at the same time.
    """

    rollout: Rollout
    drift: Assessment


class RolloutReading:
    """Reads what two versions come to. Blocking: CPU and disk. Thread-safe.

    Args:
        versions: which model versions there are.
        rollouts: compares them.
        comparisons: compares their distributions.
    """

    def __init__(
        self, versions: VersionSource, rollouts: Rollouts, comparisons: LiveComparisons
    ) -> None:
        self._versions = versions
        self._rollouts = rollouts
        self._comparisons = comparisons

    def read(
        self,
        model: str,
        *,
        stable: str | None,
        candidate: str | None,
        since: str | None,
        until: str | None,
    ) -> ReadRollout:
        """Return what two versions come to.

        Args:
            model: the model.
            stable: the version that serves; of the others that are live, the one with most rows
                where None or empty.
            candidate: the version that is to replace it; the newest that is live where None.
            since: Unix seconds or ISO 8601; when the candidate was first heard of where None.
            until: likewise; now where None.

        Raises:
            Problem: 404 where a version is not known, or too few are live; 400 where both are the
                same, or the time cannot be read; 409 where the candidate sent nothing yet.
        """
        before, after = self._pair(model, stable or None, candidate or None)
        if before.version == after.version:
            detail = f"stable and candidate both are {after.version!r}: give two versions."
            raise Problem(400, "same-version", detail)
        try:
            since_ns = parse_end(since) if since else after.first_seen_ns
            until_ns = parse_end(until) if until else None
            if since_ns is None:
                raise Problem(
                    409,
                    "no-data",
                    f"version {after.version!r} of {model!r} sent nothing yet: compare it once it "
                    "does.",
                )
            window = self._rollouts.window_since(since_ns, until_ns)
        except ConfigurationError as error:
            detail = str(error).replace("end is", "the time is")
            raise Problem(400, "invalid-window", detail) from error
        against = Against(kind="version", version=before.version)
        return ReadRollout(
            rollout=self._rollouts.compare(model, before.version, after.version, window),
            drift=self._comparisons.assess(model, after.version, window, against),
        )

    def _pair(
        self, model: str, stable: str | None, candidate: str | None
    ) -> tuple[VersionSeen, VersionSeen]:
        seen = visible_versions(self._versions)
        if model not in known_models(seen):
            require_version(self._versions, model, "")  # raises, and names the known ones
        if stable and candidate:
            before = require_version(self._versions, model, stable)
            return before, require_version(self._versions, model, candidate)
        given = stable or candidate
        if given:
            require_version(self._versions, model, given)
        pair = self._rollouts.choose(model, seen, stable=stable, candidate=candidate)
        if pair is None:
            versions = ", ".join(known_models(seen)[model])
            raise Problem(
                404,
                "no-rollout",
                f"fewer than two versions of {model!r} sent something of late, so that it is not "
                f"known which to compare: give stable and candidate, of {versions}.",
                known_versions=known_models(seen)[model],
            )
        return pair
