"""What should be done with a version: promote it, roll it back, retrain it, or keep watching.

A suggestion rests on figures that may be looked at any time, and says them. Nobody has to follow
it: it is told, and what is done stays with whoever runs the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from modelwatch.rollout.evidence import ERRORS, LATENCY, Evidence

__all__ = [
    "RelationChange",
    "Suggestion",
    "SuggestionKind",
    "suggest_retraining",
    "suggest_rollout",
]

SuggestionKind = Literal["promote", "roll_back", "retrain", "keep_watching"]

NAMES: Final = {
    ERRORS: "the share of failed calls",
    LATENCY: "the mean time of a call",
    "f1": "F1",
    "mae": "the mean absolute error",
    "mse": "the mean squared error",
    "r2": "R2",
    "rmse": "the root mean squared error",
    "roc_auc": "ROC AUC",
}
"""What measures are called in sentences; others by their own name, in words."""


class RelationChange(Protocol):
    """A change found in the stream of a version's errors."""

    @property
    def before(self) -> float:
        """Mean error before it."""

    @property
    def after(self) -> float:
        """Mean error since."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What should be done with a version, and why.

    Attributes:
        kind: what.
        version: with which version: the candidate, or the one to be retrained.
        stable: the version that it was compared with; None where it was compared with none.
        reasons: in words, the most important first; one or more.
        evidence: the figures of both versions.
    """

    kind: SuggestionKind
    version: str
    stable: str | None = None
    reasons: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = field(default=(), compare=False)

    @property
    def words(self) -> str:
        """All in a sentence."""
        what = {
            "promote": f"Promote {self.version} in place of {self.stable}",
            "roll_back": f"Roll {self.version} back to {self.stable}",
            "retrain": f"Retrain {self.version}",
            "keep_watching": f"Keep watching {self.version}",
        }[self.kind]
        return f"{what}: {'; '.join(self.reasons)}."


def suggest_rollout(
    stable: str,
    candidate: str,
    evidence: Sequence[Evidence],
    *,
    deciding: str,
    minimum_rows: int,
) -> Suggestion:
    """Return what should be done with a candidate.

    - ``roll_back`` where it is surely worse by more than the margin in anything: the deciding
      metric, another one, failed calls, or how long calls take;
    - ``promote`` where it is surely not worse by more than the margin in the deciding metric, nor
      in failed calls and the time that they take, as far as these are known;
    - ``keep_watching`` else, and while either version has fewer rows than asked for.

    Args:
        stable: the version that the candidate is to replace.
        candidate: the version in question.
        evidence: what was measured of both.
        deciding: name of the metric without which nothing is promoted.
        minimum_rows: of either version, in anything that is judged.
    """

    def told(kind: SuggestionKind, reasons: Sequence[str]) -> Suggestion:
        return Suggestion(
            kind=kind,
            version=candidate,
            stable=stable,
            reasons=tuple(reasons),
            evidence=tuple(evidence),
        )

    judged = [one for one in evidence if _rows(one) >= minimum_rows]
    worse = [one for one in judged if one.standing == "worse"]
    if worse:
        return told("roll_back", [_worse(one, stable, candidate) for one in worse])
    needed = [one for one in evidence if one.name in (deciding, ERRORS, LATENCY)]
    missing = [] if any(one.name == deciding for one in needed) else [
        f"{_name(deciding)} is not known of both versions: it takes predictions with labels"
    ]  # fmt: skip
    waiting = [_waiting(one, minimum_rows) for one in needed]
    open_points = [*missing, *(reason for reason in waiting if reason)]
    if open_points:
        return told("keep_watching", open_points)
    return told("promote", [_no_worse(one, stable, candidate) for one in needed])


def suggest_retraining(
    version: str,
    *,
    change: RelationChange | None = None,
    worse: Sequence[str] = (),
    windows: int = 0,
    enough_windows: int = 3,
) -> Suggestion | None:
    """Return that a version should be retrained, or None.

    Args:
        version: the version that answers most calls.
        change: of the relation between inputs and truth, where its errors were found to have risen.
        worse: metrics by which its realised performance is surely below its baseline's.
        windows: for how many windows in a row that has been so.
        enough_windows: for how many it must be.

    >>> suggest_retraining("3", worse=["f1"], windows=3).words
    'Retrain 3: F1 has surely been below that of the baseline for 3 windows.'
    """
    reasons = []
    if change is not None:
        reasons.append(
            f"the relation of inputs and truth changed: the mean error rose from "
            f"{_shown(change.before)} to {_shown(change.after)}"
        )
    if worse and windows >= enough_windows:
        verb = "has" if len(worse) == 1 else "have"
        names = " and ".join(map(_name, worse))
        below = f"below that of the baseline for {windows} windows"
        reasons.append(f"{names} {verb} surely been {below}")
    if not reasons:
        return None
    return Suggestion(kind="retrain", version=version, reasons=tuple(reasons))


def _rows(evidence: Evidence) -> int:
    return min(evidence.stable_rows, evidence.candidate_rows)


def _values(evidence: Evidence, stable: str, candidate: str) -> str:
    name = _name(evidence.name)
    before, after = _shown(evidence.stable), _shown(evidence.candidate)
    return f"{name} is {after} with {candidate} and {before} with {stable}"


def _worse(evidence: Evidence, stable: str, candidate: str) -> str:
    _, gain, most = evidence.gain
    loss = f"worse by {_shown(-gain)}, and surely by more than {_shown(-most)}"
    return f"{_values(evidence, stable, candidate)}, {loss}"


def _no_worse(evidence: Evidence, stable: str, candidate: str) -> str:
    least = evidence.gain[0]
    if evidence.standing == "better":
        return f"{_values(evidence, stable, candidate)}, surely better"
    loss = f"surely worse by less than {_shown(-least)}, if at all"
    return f"{_values(evidence, stable, candidate)}, {loss}"


def _waiting(evidence: Evidence, minimum_rows: int) -> str:
    """Say why something is not yet known well enough; empty where it is."""
    name, rows = _name(evidence.name), _rows(evidence)
    if rows < minimum_rows:
        return f"{name} rests on {rows} rows of a version, and {minimum_rows} are needed"
    if evidence.standing != "open":
        return ""
    least, gain, most = evidence.gain
    if not evidence.told.is_told:
        return f"{name} cannot be judged yet"
    seen = f"better by {_shown(gain)}" if gain >= 0 else f"worse by {_shown(-gain)}"
    return (
        f"{name} is {seen}, a gain between {_shown(least)} and {_shown(most)}: a loss of "
        f"{_shown(evidence.margin)} is not excluded"
    )


def _name(name: str) -> str:
    return NAMES.get(name) or name.replace("_", " ")


def _shown(value: float) -> str:
    """Return a figure with three significant digits."""
    return f"{value:.3g}"
