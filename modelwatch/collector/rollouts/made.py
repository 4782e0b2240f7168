"""A suggestion as it is kept and told. Values only, with their form as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelwatch.collector.alerting.json_form import json_of
from modelwatch.document import finite_or_none
from modelwatch.errors import FormatError
from modelwatch.rollout.evidence import Evidence
from modelwatch.rollout.suggestion import Suggestion, SuggestionKind

__all__ = ["MadeSuggestion", "SuggestionNotice", "figures_of"]


@dataclass(frozen=True, kw_only=True)
class MadeSuggestion:
    """A suggestion that was made. Times are Unix nanoseconds.

    Attributes:
        id: of this suggestion; the same made again after it ended has another.
        model: the model.
        kind: what should be done: promote, roll_back or retrain.
        version: with which version.
        stable: the version that it was compared with; None of one that was compared with none.
        words: all in a sentence.
        reasons: the same in parts.
        figures: what was measured, as `figures_of` gives it.
        made_ns: when it was made.
        ended_ns: when it stopped to hold; None while it holds.
        ended_by: why.
    """

    id: str
    model: str
    kind: SuggestionKind
    version: str
    stable: str | None
    words: str
    reasons: tuple[str, ...]
    figures: tuple[Mapping[str, Any], ...]
    made_ns: int
    ended_ns: int | None = None
    ended_by: str = ""

    @classmethod
    def of(
        cls, model: str, found: Suggestion, *, suggestion_id: str, now_ns: int
    ) -> MadeSuggestion:
        """Return a suggestion as it is made now."""
        return cls(
            id=suggestion_id,
            model=model,
            kind=found.kind,
            version=found.version,
            stable=found.stable,
            words=found.words,
            reasons=found.reasons,
            figures=tuple(figures_of(one) for one in found.evidence),
            made_ns=now_ns,
        )

    def to_json(self) -> str:
        """Return the text that the store keeps."""
        return json_of(self)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> MadeSuggestion:
        """Read what `to_json` made, and JSON read.

        Raises:
            FormatError: where a field is absent or unknown.
        """
        try:
            parts = {name: tuple(body[name]) for name in ("reasons", "figures")}
            return cls(**{**body, **parts})
        except (KeyError, TypeError) as error:
            raise FormatError(f"a stored suggestion is damaged: {error}.") from error


@dataclass(frozen=True, kw_only=True)
class SuggestionNotice:
    """What is told of a suggestion, once.

    Attributes:
        suggestion: how it was then.
        at_ns: when the notice was made, Unix nanoseconds.
        kind: tells it from notices of alerts.
    """

    kind: ClassVar = "suggestion"

    suggestion: MadeSuggestion
    at_ns: int

    @property
    def key(self) -> str:
        """The same however often it is sent: by it, who gets it twice knows."""
        return f"suggestion-{self.suggestion.id}"

    def to_json(self) -> str:
        """Return the text that the store keeps."""
        return json_of(self)

    @classmethod
    def from_json(cls, text: str) -> SuggestionNotice:
        """Read what `to_json` made.

        Raises:
            FormatError: where it is damaged.
        """
        try:
            body = json.loads(text)
            return cls(suggestion=MadeSuggestion.from_dict(body["suggestion"]), at_ns=body["at_ns"])
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"a stored notice is damaged: {error}.") from error


def figures_of(evidence: Evidence) -> dict[str, Any]:
    """Return the figures of one measure: plain values, None where there is none.

    ``gain`` is by how much the candidate is better, with limits that hold at any time.
    """
    least, gain, most = map(finite_or_none, evidence.gain)
    return {
        "name": evidence.name,
        "stable": finite_or_none(evidence.stable),
        "candidate": finite_or_none(evidence.candidate),
        "gain": gain,
        "gain_lower": least,
        "gain_upper": most,
        "margin": evidence.margin,
        "p_value": evidence.told.p_value,
        "confidence": 1 - evidence.told.alpha,
        "standing": evidence.standing,
        "stable_rows": evidence.stable_rows,
        "candidate_rows": evidence.candidate_rows,
        "paired": evidence.is_paired,
    }
