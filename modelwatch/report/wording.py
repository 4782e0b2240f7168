"""How findings are said: numbers, severities and verdicts in the same words everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.report.findings import MultivariateDrift, PerformanceMetric
from modelwatch.report.harm import is_surely_worse, surely_worse
from modelwatch.report.label_findings import RELATION_CHANGED

__all__ = [
    "MARKS",
    "WORDS",
    "Tone",
    "Toned",
    "Verdict",
    "cause_words",
    "changed_words",
    "interval",
    "is_better",
    "metric_name",
    "names_of",
    "number",
    "p_value",
    "percent",
    "plural",
    "season_words",
    "statistic_name",
    "tone_of",
    "verdict",
]

Tone = Literal["drift", "warning", "none", "insufficient_data", "harmless"]
"""A severity, or that what drifted does no harm."""

WORDS: Mapping[Tone, str] = {
    "drift": "drift",
    "warning": "warning",
    "harmless": "drifted, harmless",
    "none": "no drift",
    "insufficient_data": "not judged",
}

MARKS: Mapping[Tone, str] = {
    "drift": "\u25b2",
    "warning": "\u25b3",
    "harmless": "\u25bd",
    "none": "\u2013",
    "insufficient_data": "\u2026",
}
"""A mark beside the word, so that severity is told by shape and not by colour alone."""

MOST_NAMES = 5

_METRICS = {
    "auc": "AUC",
    "brier": "Brier score",
    "f1": "F1",
    "mae": "MAE",
    "matthews": "Matthews correlation",
    "mse": "MSE",
    "r2": "R\u00b2",
    "rmse": "RMSE",
    "roc_auc": "ROC AUC",
}
_LOWER_IS_BETTER = {"brier", "expected_calibration_error", "log_loss", "mae", "mse", "rmse"}
_NEITHER_BETTER = {"bias"}

_STATISTICS = {
    "correlation": "Correlations",
    "gaussian_kl": "Gaussian divergence",
    "mean": "Means",
    "mmd": "Mean embedding",
    "reconstruction": "Reconstruction error",
}
_SEASONS = {
    "hour": "compared with the same hours of the day",
    "weekday": "compared with the same days of the week",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a report comes to: its worst severity, in a sentence, and which features.

    Attributes:
        severity: the worst of what was found.
        sentence: what to say of it.
        names: the features that it speaks of.
        harmless: whether what drifted does no harm.
    """

    severity: Severity
    sentence: str
    names: str
    harmless: bool = False

    @property
    def tone(self) -> Tone:
        """How it is shown."""
        return "harmless" if self.harmless else self.severity


class Toned(Protocol):
    """What is asked of the finding of one feature; a `FeatureDrift` has it."""

    @property
    def severity(self) -> Severity:
        """Drift, warning, none or insufficient_data."""
        ...

    @property
    def harmless(self) -> bool:
        """Whether the model hardly reads it."""
        ...


def tone_of(feature: Toned) -> Tone:
    """Return how a feature's finding is shown."""
    return "harmless" if feature.harmless else feature.severity


def verdict(report: DriftReport) -> Verdict:
    """Say what a report comes to.

    What could not be judged is named beside what was: it is never counted as without drift.
    """
    groups: dict[Tone, list[FeatureDrift]] = {tone: [] for tone in WORDS}
    for feature in report.ranked():
        groups[tone_of(feature)].append(feature)
    total = len(report.features)
    beside = _beside(groups)
    if report.verdict == "drifted, harmless":
        drifted = groups["drift"] + groups["harmless"]
        return _harmless(report, drifted, f"{_more(groups)}{beside}")
    if report.verdict == "worse performance":
        return _worse(report, groups, beside)
    if groups["drift"]:
        skew = _skew(groups["drift"])
        sentence = f"Drift in {len(groups['drift'])} of {plural(total, 'feature')}{skew}{beside}"
        return Verdict(severity="drift", sentence=sentence, names=names_of(groups["drift"]))
    if groups["warning"]:
        told = f"{plural(total, 'feature')}{_skew(groups['warning'])}"
        sentence = f"Warning for {len(groups['warning'])} of {told}{beside}"
        return Verdict(severity="warning", sentence=sentence, names=names_of(groups["warning"]))
    if groups["none"]:
        return _calm(report, f"No drift in {plural(len(groups['none']), 'feature')}", beside)
    return Verdict(
        severity="insufficient_data", sentence="Too few rows to judge any feature", names=""
    )


def _worse(report: DriftReport, groups: Mapping[Tone, list[FeatureDrift]], beside: str) -> Verdict:
    """Say that performance is worse by labels, as severe as drift, though no feature drifted."""
    total = plural(len(report.features), "feature")
    unexplained = any(m.verdict in RELATION_CHANGED for m in surely_worse(report.performance))
    more = " by more than the inputs explain" if unexplained else ""
    worse = f"but performance is worse{more}"
    if groups["harmless"]:
        found = f"Drift that the model hardly reads in {len(groups['harmless'])} of {total}"
        sentence, named = f"{found}, {worse}{_more(groups)}", groups["harmless"]
    elif groups["warning"]:
        sentence, named = f"Warning for {len(groups['warning'])} of {total}", groups["warning"]
        sentence = f"{sentence}, and performance is worse{more}"
    elif groups["none"]:
        calm = _calm(report, f"No drift in {plural(len(groups['none']), 'feature')}", "")
        sentence, named = f"{calm.sentence}{more}", []
    else:
        return Verdict(
            severity="drift", sentence=f"Too few rows to judge any feature, {worse}", names=""
        )
    return Verdict(severity="drift", sentence=f"{sentence}{beside}", names=names_of(named))


def _skew(found: Sequence[FeatureDrift]) -> str:
    """Say how many findings are there since the deployment; nothing where none is known to be."""
    since = sum(feature.origin == "skew" for feature in found)
    if not since:
        return ""
    some = f"{since} of them " if since < len(found) else ""
    return f", {some}since the deployment"


def _more(groups: Mapping[Tone, Sequence[FeatureDrift]]) -> str:
    return f"; warning for {len(groups['warning'])} more" if groups["warning"] else ""


def _beside(groups: Mapping[Tone, Sequence[FeatureDrift]]) -> str:
    unjudged = len(groups["insufficient_data"])
    return f"; {unjudged} could not be judged" if unjudged else ""


def _harmless(report: DriftReport, drifted: Sequence[FeatureDrift], beside: str) -> Verdict:
    if all(feature.harmless for feature in drifted):
        reason = f"the model hardly reads {'it' if len(drifted) == 1 else 'them'}"
    else:
        realized = any(metric.realized is not None for metric in report.performance.values())
        reason = f"{'realised' if realized else 'estimated'} performance is kept"
    total = plural(len(report.features), "feature")
    return Verdict(
        severity=report.severity,
        sentence=f"Harmless drift in {len(drifted)} of {total}, as {reason}{beside}",
        names=names_of(drifted),
        harmless=True,
    )


def _calm(report: DriftReport, sentence: str, beside: str) -> Verdict:
    """Say that no feature drifted by itself, and what did where something else has."""
    together = [item for item in report.multivariate.values() if _is_found(item)]
    worse = any(is_surely_worse(metric) for metric in report.performance.values())
    severity: Severity = "none"
    if together:
        worst = "drift" in {item.severity for item in together}
        severity = "drift" if worst else "warning"
        sentence = f"{sentence} alone, but {WORDS[severity]} of all together"
    if worse:
        severity = "drift" if severity == "drift" else "warning"
        sentence = f"{sentence}{', and' if together else ', but'} performance is worse"
    return Verdict(severity=severity, sentence=f"{sentence}{beside}", names="")


def _is_found(item: MultivariateDrift) -> bool:
    return item.severity in ("drift", "warning")


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


def interval(bounds: tuple[float | None, float | None] | None) -> str:
    """Return an interval in words; empty where there is none.

    >>> interval((0.1, 0.25)), interval((None, None)), interval(None)
    ('0.100 to 0.250', '', '')
    """
    if bounds is None or bounds[0] is None or bounds[1] is None:
        return ""
    return f"{number(bounds[0])} to {number(bounds[1])}"


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


def plural(count: int, thing: str) -> str:
    """Return a count of things.

    >>> plural(1, "row"), plural(1_200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def metric_name(name: str) -> str:
    """Return the name of a measure of performance as people write it.

    >>> metric_name("roc_auc"), metric_name("balanced_accuracy")
    ('ROC AUC', 'Balanced accuracy')
    """
    return _METRICS.get(name) or _spaced(name)


def statistic_name(name: str) -> str:
    """Return the name of a statistic of all inputs together.

    >>> statistic_name("correlation"), statistic_name("some_new_one")
    ('Correlations', 'Some new one')
    """
    return _STATISTICS.get(name) or _spaced(name)


def is_better(metric: PerformanceMetric) -> bool | None:
    """Tell whether a measure moved for the better; None where it did not, or has no better."""
    gain = metric.change[1] if metric.change else 0.0
    if not gain or metric.name in _NEITHER_BETTER:
        return None
    return (gain < 0) == (metric.name in _LOWER_IS_BETTER)


def changed_words(metric: PerformanceMetric) -> str:
    """Say whether a measure of performance changed; empty where it cannot be told.

    >>> changed_words(PerformanceMetric(name="mae", reference=2.0, realized=3.0, lower=2.5,
    ...                                 upper=3.5))
    'worse, beyond chance'
    """
    if metric.changed is None or metric.change is None:
        return ""
    if not metric.changed:
        return "no change beyond chance"
    better = is_better(metric)
    if better is None:
        return f"{'lower' if metric.change[1] < 0 else 'higher'}, beyond chance"
    return f"{'better' if better else 'worse'}, beyond chance"


def cause_words(cause: str | None) -> str:
    """Return the name of a probable cause as words; empty where none is known.

    >>> cause_words("scale_change")
    'scale change'
    """
    return (cause or "").replace("_", " ")


def season_words(season: str | None) -> str:
    """Say by which cycle a feature was compared; empty where by none."""
    return "" if season is None else _SEASONS.get(season, f"compared by {season}")


def _spaced(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
