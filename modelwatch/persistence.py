"""Findings that hold: again and again, and not in one window that chance or an hour made.

A window in which a feature could not be judged (no data, or too little) is passed over: it neither
confirms the feature's finding nor clears it, and the m windows are the last m in which it was
judged. So a finding stays open through an outage, and is resolved by itself, by windows that were
judged and found calm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from modelwatch.parameter_checks import whole
from modelwatch.report.drift_report import DriftReport, Severity

__all__ = [
    "FeatureHistory",
    "JudgedFeature",
    "JudgedFeatures",
    "Persistence",
    "PersistentFinding",
    "feature_histories",
    "persistent_drift",
    "persistent_finding",
    "weight_of",
]

MOST_WINDOWS = 100

FINDINGS: frozenset[Severity] = frozenset({"drift", "warning"})

Rank = tuple[int, float, str]


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """In how many of how many windows a finding must hold.

    Attributes:
        k: windows in which the feature was found to drift, 1 to m.
        m: last windows that are looked at, 1 to 100.

    Raises:
        ConfigurationError: where k or m is out of range.
    """

    k: int = 2
    m: int = 3

    def __post_init__(self) -> None:
        whole("m", self.m, 1, MOST_WINDOWS)
        whole("k", self.k, 1, self.m)


class JudgedFeature(Protocol):
    """What is asked of the finding of one feature; a `FeatureDrift` has it."""

    @property
    def severity(self) -> Severity:
        """Drift, warning, none or insufficient_data."""
        ...

    @property
    def effect(self) -> float | None:
        """PSI above chance."""
        ...

    @property
    def importance(self) -> float | None:
        """Its weight in the model, where that is known."""
        ...

    @property
    def harmless(self) -> bool:
        """Whether the model hardly reads it."""
        ...


class JudgedFeatures(Protocol):
    """What is asked of a comparison; a `DriftReport` has it."""

    @property
    def features(self) -> Mapping[str, JudgedFeature]:
        """Findings by name."""
        ...


@dataclass(frozen=True, kw_only=True)
class FeatureHistory:
    """One feature in the last m windows in which it was judged.

    Attributes:
        name: the feature.
        severity: drift or warning where such a finding holds in k of them, else none;
            insufficient_data where no window judged it.
        found: windows with a warning or drift.
        judged: windows that were judged, at most m.
        weight: its effect (PSI above chance) in the last window that found it, times the
            importance where that is known; 0.0 where none did.
        harmless: whether the model hardly read it then.
    """

    name: str
    severity: Severity
    found: int
    judged: int
    weight: float = 0.0
    harmless: bool = False

    @property
    def persists(self) -> bool:
        """Whether its finding holds."""
        return self.severity in FINDINGS


@dataclass(frozen=True, kw_only=True)
class PersistentFinding:
    """What holds of one model: one finding, however many features it concerns.

    Attributes:
        severity: the worst one.
        features: what it concerns, by severity, then by importance-weighted effect.
    """

    severity: Severity
    features: tuple[FeatureHistory, ...]


def persistent_drift(
    reports: Sequence[DriftReport], persistence: Persistence
) -> dict[str, Severity]:
    """Return the features whose finding holds: in k windows out of the latest m that judged them.

    Args:
        reports: comparisons of windows that follow one another, oldest first, against one
            baseline; more than m of them where some could not be judged.
        persistence: k and m.

    Returns:
        drift where k of the windows found drift, warning where k found drift or a warning.

    >>> from modelwatch.report.drift_report import FeatureDrift
    >>> def window(severity):
    ...     age = FeatureDrift(name="age", role="input", kind="numeric", rows=9, severity=severity)
    ...     return DriftReport(model="m", version="1", baseline_id="b", start_ns=0, end_ns=0,
    ...                        rows=9, features={"age": age})
    >>> windows = [window(found) for found in ("drift", "none", "insufficient_data", "drift")]
    >>> persistent_drift(windows, Persistence(k=2, m=3))
    {'age': 'drift'}
    >>> persistent_drift([*windows, window("none"), window("none")], Persistence(k=2, m=3))
    {}
    """
    histories = _latest(reports, persistence)
    return {history.name: history.severity for history in histories if history.persists}


def persistent_finding(
    reports: Sequence[DriftReport], persistence: Persistence
) -> PersistentFinding | None:
    """Return the one finding of the model, or None where nothing holds or it is resolved.

    Args:
        reports: as `persistent_drift` takes them.
        persistence: k and m.
    """
    holding = [history for history in _latest(reports, persistence) if history.persists]
    if not holding:
        return None
    return PersistentFinding(severity=holding[0].severity, features=tuple(holding))


def feature_histories(
    reports: Iterable[JudgedFeatures], persistence: Persistence
) -> list[list[FeatureHistory]]:
    """Return of each window what was known of every feature when it ended.

    Args:
        reports: as `persistent_drift` takes them. Features that only some of them have are told
            from the first that has them.
        persistence: k and m.

    Returns:
        One list a report, worst first. Takes one pass; memory is m findings a feature.
    """
    judged: dict[str, _Judged] = {}
    told = []
    for report in reports:
        for name, feature in report.features.items():
            seen = judged.get(name)
            if seen is None:
                seen = judged[name] = _Judged(name, persistence)
            if feature.severity != "insufficient_data":
                seen.add(feature)
        ranked = sorted([seen.told for seen in judged.values()], key=_first)
        told.append([history for _, history in ranked])
    return told


class _Judged:
    """One feature in the latest windows that judged it.

    Attributes:
        told: by what it is ranked, and what is known of it.
    """

    __slots__ = ("_findings", "_k", "_name", "_windows", "told")

    def __init__(self, name: str, persistence: Persistence) -> None:
        self._name = name
        self._k = persistence.k
        self._windows: deque[JudgedFeature] = deque(maxlen=persistence.m)
        self._findings = 0
        self._tell()

    def add(self, feature: JudgedFeature) -> None:
        windows = self._windows
        is_full = len(windows) == windows.maxlen
        findings = self._findings + (feature.severity in FINDINGS)
        if is_full:
            findings -= windows[0].severity in FINDINGS
        windows.append(feature)
        # Most features are calm, window after window: nothing new is known of them.
        is_known = is_full and not self._findings and not findings
        self._findings = findings
        if not is_known:
            self._tell()

    def _tell(self) -> None:
        history = _history(self._name, self._windows, self._k)
        self.told = _rank(history), history


def _latest(reports: Sequence[DriftReport], persistence: Persistence) -> list[FeatureHistory]:
    told = feature_histories(reports, persistence)
    return told[-1] if told else []


def _history(name: str, judged: Sequence[JudgedFeature], k: int) -> FeatureHistory:
    found = [feature for feature in judged if feature.severity in FINDINGS]
    severity: Severity = "none" if judged else "insufficient_data"
    if sum(feature.severity == "drift" for feature in found) >= k:
        severity = "drift"
    elif len(found) >= k:
        severity = "warning"
    return FeatureHistory(
        name=name,
        severity=severity,
        found=len(found),
        judged=len(judged),
        weight=weight_of(found[-1]) if found else 0.0,
        harmless=found[-1].harmless if found else False,
    )


def weight_of(feature: JudgedFeature) -> float:
    """Return by what findings are ranked: the effect, times the importance where that is known."""
    importance = 1.0 if feature.importance is None else feature.importance
    return max(feature.effect or 0.0, 0.0) * importance


def _rank(history: FeatureHistory) -> Rank:
    order: tuple[Severity, ...] = ("drift", "warning", "none", "insufficient_data")
    return order.index(history.severity), -history.weight, history.name


def _first(ranked: tuple[Rank, FeatureHistory]) -> Rank:
    return ranked[0]
