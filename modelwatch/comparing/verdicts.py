"""From evidence to severity: what is proven, what matters, and what to call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelwatch.comparing.evidence import Evidence
from modelwatch.comparing.pairs import Pair
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.comparisons.false_discovery import benjamini_hochberg
from modelwatch.diagnosis import Aspect, diagnose
from modelwatch.report.drift_report import FeatureDrift, Severity

__all__ = ["Judged", "decide"]

DRIFT_SHARE = 0.1
"""Drift, which stops deployments, is told at a tenth of the false discovery rate of warnings. Of
4,300 windows of undrifted autocorrelated streams of 30 features, 1 was called drift."""


@dataclass(frozen=True)
class Judged:
    """One feature before the others are known.

    Attributes:
        finding: what was measured.
        pair: what it was measured on; None where the current data lacks the feature.
        evidence: what speaks for a change; None likewise.
    """

    finding: FeatureDrift
    pair: Pair | None
    evidence: Evidence | None


def decide(judged: Sequence[Judged], thresholds: Thresholds) -> list[FeatureDrift]:
    """Adjust for the number of features, then ask of each proven aspect whether it matters."""
    tested = [item.evidence.combined for item in judged if item.evidence and item.evidence.p_values]
    adjusted = iter(benjamini_hochberg(tested))
    total = sum(item.finding.importance or 0.0 for item in judged)
    return [
        _verdict(item.finding, item.pair, item.evidence, next(adjusted), total, thresholds)
        if item.pair and item.evidence and item.evidence.p_values
        else item.finding
        for item in judged
    ]


def _verdict(
    finding: FeatureDrift,
    pair: Pair,
    evidence: Evidence,
    q_value: float,
    total_importance: float,
    thresholds: Thresholds,
) -> FeatureDrift:
    proven = _proven(evidence, q_value, thresholds)
    severity = _severity(evidence, proven, q_value, thresholds)
    harmless = severity in ("warning", "drift") and _is_harmless(
        finding, total_importance, thresholds
    )
    diagnosis = None
    if proven:
        diagnosis = diagnose(pair.feature, pair.reference, pair.current, proven)
    elif q_value > thresholds.false_discovery_rate and _moved(finding, pair, thresholds):
        diagnosis = "no more than blocks of the baseline's own rows do"
    return replace(
        finding,
        p_value=evidence.combined,
        q_value=q_value,
        severity="warning" if harmless else severity,
        harmless=harmless,
        diagnosis=diagnosis,
    )


def _proven(evidence: Evidence, q_value: float, thresholds: Thresholds) -> list[Aspect]:
    """Return the aspects that changed beyond chance, and by enough to matter."""
    rate = thresholds.false_discovery_rate
    if q_value > rate:
        return []
    return [
        aspect
        for aspect, effect in evidence.effects.items()
        if effect >= thresholds.psi_warning and evidence.p_value_of(aspect) <= rate
    ]


def _severity(
    evidence: Evidence, proven: Sequence[Aspect], q_value: float, thresholds: Thresholds
) -> Severity:
    """Return drift where the effect is large, and almost surely no less than a warning's."""
    if not proven:
        return "none" if "values" in evidence.p_values else "insufficient_data"
    rate = thresholds.false_discovery_rate * DRIFT_SHARE
    is_drift = q_value <= rate and any(
        evidence.effects[aspect] >= thresholds.psi_drift
        and evidence.certain[aspect] >= thresholds.psi_warning
        and evidence.p_value_of(aspect) <= rate
        for aspect in proven
    )
    return "drift" if is_drift else "warning"


def _is_harmless(finding: FeatureDrift, total_importance: float, thresholds: Thresholds) -> bool:
    """Tell whether the model hardly reads the feature, where its importance is known."""
    if finding.role == "output" or finding.importance is None or not total_importance:
        return False
    return finding.importance / total_importance < thresholds.harmless_importance


def _moved(finding: FeatureDrift, pair: Pair, thresholds: Thresholds) -> bool:
    """Tell whether a large PSI has to be explained, as clustered rows make it so by chance."""
    effect = pair.feature.values_effect
    is_clustered = bool(effect.phi) and effect.phi_at(finding.rows) > 1.0
    return is_clustered and (finding.psi or 0.0) >= thresholds.psi_drift
