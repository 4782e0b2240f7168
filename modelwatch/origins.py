"""Whether a finding is training-serving skew or drift: was it there from the first window on?

What differs from training since the first judged window after a deployment was never what the model
was trained on: something between training and serving differs. What began later is drift.

A deployment is seen where a version's first data came, or where the senders count with a baseline,
or serve a binary, that was not seen before. Of a feature that the first windows could not judge,
the first window that does counts. A run of findings ends where a window judged the feature and
found it calm; windows that could not judge it neither end nor begin one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from modelwatch.persistence import FINDINGS, JudgedFeature
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.skew_findings import Origin

__all__ = ["Deployed", "Run", "follow_deployment", "with_origins"]

MOST_IDENTITIES: Final = 100
"""Baselines and binaries that are known again; a sender of ever new ones is not followed."""


class Run(NamedTuple):
    """Windows in a row that found a feature: where it comes from, and since when.

    Both are None where the run began before anything was known.
    """

    origin: Origin | None
    since_ns: int | None


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What is known of a model version's deployment when a window ended. Some 20 bytes a finding.

    Attributes:
        start_ns: start of the first window after it, Unix nanoseconds; None where unknown.
        identities: baselines and binaries seen so far.
        seen: those of this window.
        unjudged: features that no window since then has judged.
        runs: of the features that were found when they were last judged.
    """

    start_ns: int | None
    identities: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    unjudged: frozenset[str] = frozenset()
    runs: Mapping[str, Run]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "start_ns": self.start_ns,
            "identities": sorted(self.identities),
            "seen": sorted(self.seen),
            "unjudged": sorted(self.unjudged),
            "runs": {name: list(run) for name, run in self.runs.items()},
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Deployed:
        """Read what `to_dict` made.

        Raises:
            KeyError: where a field is absent.
            TypeError: where one is of a wrong type.
        """
        return cls(
            start_ns=body["start_ns"],
            identities=frozenset(body["identities"]),
            seen=frozenset(body["seen"]),
            unjudged=frozenset(body["unjudged"]),
            runs={name: Run(*run) for name, run in body["runs"].items()},
        )


def follow_deployment(
    before: Deployed | None,
    features: Mapping[str, JudgedFeature],
    *,
    start_ns: int,
    seen: frozenset[str] = frozenset(),
    is_first: bool = False,
) -> Deployed:
    """Return what is known after one more window.

    Args:
        before: what was known after the window before, compared with the same baseline; None where
            there was none.
        features: what the window found, by name.
        start_ns: start of the window, Unix nanoseconds.
        seen: baselines that its senders counted with, and binaries that they served.
        is_first: whether it holds the first data of the version; only where nothing was before.

    >>> from modelwatch.report.findings import FeatureDrift
    >>> def window(severity):
    ...     return {"age": FeatureDrift(name="age", role="input", kind="numeric", rows=9,
    ...                                 severity=severity)}
    >>> first = follow_deployment(None, window("insufficient_data"), start_ns=60, is_first=True)
    >>> second = follow_deployment(first, window("drift"), start_ns=120)
    >>> second.runs["age"]
    Run(origin='skew', since_ns=60)
    >>> calm = follow_deployment(second, window("none"), start_ns=180)
    >>> follow_deployment(calm, window("drift"), start_ns=240).runs["age"]
    Run(origin='drift', since_ns=240)
    """
    known = _anew(before, features, start_ns=start_ns, seen=seen, is_first=is_first)
    runs, unjudged = dict(known.runs), set(known.unjudged)
    for name, feature in features.items():
        if feature.severity == "insufficient_data":
            continue
        if feature.severity not in FINDINGS:
            runs.pop(name, None)
        elif name not in runs:
            at_first = name in unjudged
            runs[name] = Run("skew", known.start_ns) if at_first else Run("drift", start_ns)
        unjudged.discard(name)
    return replace(known, runs=runs, unjudged=frozenset(unjudged))


def _anew(
    before: Deployed | None,
    features: Mapping[str, JudgedFeature],
    *,
    start_ns: int,
    seen: frozenset[str],
    is_first: bool,
) -> Deployed:
    """Return what was known before a window, as of a deployment that is seen in it."""
    known = before.identities if before is not None else frozenset[str]()
    identities = known | seen if len(known | seen) <= MOST_IDENTITIES else known
    is_new = bool(known) and identities != known
    if is_new or (is_first and before is None):
        return Deployed(
            start_ns=start_ns,
            identities=identities,
            seen=seen,
            unjudged=frozenset(features),
            runs={},
        )
    if before is not None:
        return replace(before, identities=identities, seen=seen)
    found = {name for name, one in features.items() if one.severity in FINDINGS}
    unknown = Run(None, None)
    return Deployed(
        start_ns=None, identities=identities, seen=seen, runs=dict.fromkeys(found, unknown)
    )


def with_origins(report: DriftReport, runs: Mapping[str, Run]) -> DriftReport:
    """Return a report of which each finding says where it comes from, and since when.

    Args:
        report: the findings.
        runs: by feature; of one that was found and is not there, nothing is said.
    """
    told = {
        name: replace(feature, origin=runs[name].origin, since_ns=runs[name].since_ns)
        for name, feature in report.features.items()
        if feature.severity in FINDINGS and name in runs
    }
    return replace(report, features={**report.features, **told}) if told else report
