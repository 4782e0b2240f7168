"""How findings are said: numbers, severities and verdicts in the same words everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity

__all__ = ["MARKS", "WORDS", "Verdict", "names_of", "number", "p_value", "percent", "verdict"]

WORDS: Mapping[Severity, str] = {
    "drift": "drift",
    "warning": "warning",
    "none": "no drift",
    "insufficient_data": "not judged",
}

MARKS: Mapping[Severity, str] = {
    "drift": "\u25b2",
    "warning": "\u25b3",
    "none": "\u2013",
    "insufficient_data": "\u2026",
}
"""A mark beside the word, so that severity is told by shape and not by colour alone."""

MOST_NAMES = 5


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a report comes to: its worst severity, in a sentence, and which features."""

    severity: Severity
    sentence: str
    names: str


def verdict(report: DriftReport) -> Verdict:
    """Say what a report comes to.

    What could not be judged is named beside what was: it is never counted as without drift.
    """
    groups: dict[Severity, list[FeatureDrift]] = {severity: [] for severity in WORDS}
    for feature in report.ranked():
        groups[feature.severity].append(feature)
    total = len(report.features)
    unjudged = len(groups["insufficient_data"])
    beside = f"; {unjudged} could not be judged" if unjudged else ""
    if groups["drift"]:
        sentence = f"Drift in {len(groups['drift'])} of {_features(total)}{beside}"
        return Verdict(severity="drift", sentence=sentence, names=names_of(groups["drift"]))
    if groups["warning"]:
        sentence = f"Warning for {len(groups['warning'])} of {_features(total)}{beside}"
        return Verdict(severity="warning", sentence=sentence, names=names_of(groups["warning"]))
    if groups["none"]:
        sentence = f"No drift in {_features(len(groups['none']))}{beside}"
        return Verdict(severity="none", sentence=sentence, names="")
    return Verdict(
        severity="insufficient_data", sentence="Too few rows to judge any feature", names=""
    )


def names_of(features: Sequence[FeatureDrift]) -> str:
    """Return the features' names as a list in words, shortened where they are many."""
    names = [feature.name for feature in features]
    if len(names) > MOST_NAMES:
        rest = len(names) - MOST_NAMES + 1
        names = [*names[: MOST_NAMES - 1], f"{rest} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def number(value: float | None) -> str:
    """Return a distance to three decimals; a dash where there is none.

    >>> number(0.25), number(12.3456), number(None)
    ('0.250', '12.35', '\u2013')
    """
    if value is None:
        return "\u2013"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def p_value(value: float | None) -> str:
    """Return a p-value; small ones as a bound, since their digits mean nothing.

    >>> p_value(0.0412), p_value(1e-9)
    ('0.041', '<0.001')
    """
    if value is None:
        return "\u2013"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def percent(share: float | None) -> str:
    """Return a share as a percentage that tells nought from little.

    >>> percent(0.0), percent(0.0002), percent(0.123)
    ('0%', '<0.1%', '12.3%')
    """
    if share is None:
        return "\u2013"
    if share == 0:
        return "0%"
    return "<0.1%" if share < 0.001 else f"{share:.1%}"


def _features(count: int) -> str:
    return f"{count} feature{'' if count == 1 else 's'}"
