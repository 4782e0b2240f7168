"""Which suggestions are made anew, and which hold no more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from modelwatch.collector.rollouts.made import MadeSuggestion
from modelwatch.rollout.suggestion import Suggestion, SuggestionKind

__all__ = ["JudgedModel", "Plan", "plan"]

OF_ROLLOUTS: Final = frozenset[SuggestionKind]({"promote", "roll_back"})


@dataclass(frozen=True, kw_only=True)
class JudgedModel:
    """What is to be said of one model now.

    Attributes:
        model: the model.
        rollout: of its candidate; None where no two versions are live.
        retrain: by version, of those that were looked at; None where there is no reason to.
    """

    model: str
    rollout: Suggestion | None = None
    retrain: Mapping[str, Suggestion | None] = field(default_factory=dict)


class Plan(NamedTuple):
    """What changes: suggestions that are made, and those that end."""

    made: list[MadeSuggestion]
    ended: list[MadeSuggestion]


def plan(
    standing: Sequence[MadeSuggestion],
    judged: Sequence[JudgedModel],
    *,
    now_ns: int,
    new_id: Callable[[], str],
) -> Plan:
    """Return what changes.

    A suggestion is made once, and holds until another one takes its place or what it is about is
    over. That of a candidate holds too while its figures move on to where they decide nothing:
    what was surely so once, at any look, remains so at the confidence that was asked for.

    Args:
        standing: suggestions that hold.
        judged: what is to be said now, of every model that has a live version.
        now_ns: Unix nanoseconds.
        new_id: makes ids.
    """
    made: list[MadeSuggestion] = []
    ended: list[MadeSuggestion] = []
    by_model = {one.model: one for one in judged}
    kept: set[tuple[str, SuggestionKind, str, str | None]] = set()
    for known in standing:
        reason = _over(known, by_model.get(known.model))
        if reason:
            ended.append(replace(known, ended_ns=now_ns, ended_by=reason))
        else:
            kept.add((known.model, known.kind, known.version, known.stable))
    for one in judged:
        for found in (one.rollout, *one.retrain.values()):
            if found is None or found.kind == "keep_watching":
                continue
            if (one.model, found.kind, found.version, found.stable) not in kept:
                made.append(
                    MadeSuggestion.of(one.model, found, suggestion_id=new_id(), now_ns=now_ns)
                )
    return Plan(made, ended)


def _over(known: MadeSuggestion, judged: JudgedModel | None) -> str:
    """Return why a suggestion holds no more; empty where it does."""
    if judged is None:
        return f"no version of {known.model} is live"
    if known.kind not in OF_ROLLOUTS:
        if known.version not in judged.retrain:
            return f"{known.version} is not the version that serves"
        return "" if judged.retrain[known.version] is not None else "its reasons hold no more"
    found = judged.rollout
    if found is None or (found.version, found.stable) != (known.version, known.stable):
        return f"{known.version} and {known.stable} are not compared any more"
    if found.kind in OF_ROLLOUTS and found.kind != known.kind:
        return "the figures say otherwise now"
    return ""
