"""Findings of training-serving skew that no distribution is needed for: schema and environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelwatch.model_fingerprint import MODEL_HASH

__all__ = ["FingerprintFinding", "Origin", "SchemaFinding", "SchemaKind"]

Origin = Literal["skew", "drift"]
"""Where a finding comes from: ``skew`` is there from the first judged window after a deployment on,
so that what is served was never what was trained on; ``drift`` began later."""

SchemaKind = Literal["absent", "wrong_type", "spelling", "unexpected"]


@dataclass(frozen=True, kw_only=True)
class SchemaFinding:
    """One feature that comes in another form than in training, whatever its values are.

    Attributes:
        name: the feature.
        kind: ``absent``, in some rows or in all; ``wrong_type``, such as numbers as texts;
            ``spelling``, categories spelled otherwise; ``unexpected``, not in the baseline.
        share: share of rows that it concerns, in (0, 1].
        text: the finding as a sentence part.
    """

    name: str
    kind: SchemaKind
    share: float
    text: str

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> SchemaFinding:
        """Read what `dataclasses.asdict` made, after a way through JSON.

        Raises:
            TypeError: where a field is unknown or absent.
        """
        return cls(**body)


@dataclass(frozen=True, kw_only=True)
class FingerprintFinding:
    """A part of the model or of its environment that differs from the baseline's.

    Attributes:
        part: ``model.hash``, ``python``, or a library.
        expected: version, or the first digits of the hash, that the baseline was made with; empty
            where unknown.
        actual: the same where the model is served; empty where the sender did not tell it.
    """

    part: str
    expected: str = ""
    actual: str = ""

    @property
    def text(self) -> str:
        """The finding as a sentence part.

        >>> FingerprintFinding(part="numpy", expected="1.26.4", actual="2.1.0").text
        '2.1.0 is served with, and the baseline was made with 1.26.4'
        """
        if self.part == MODEL_HASH:
            both = f": {self.actual} for {self.expected}" if self.actual and self.expected else ""
            return f"another model binary is served than the baseline was made for{both}"
        expected = f"was made with {self.expected}" if self.expected else "was made with another"
        return f"{self.actual or 'another version'} is served with, and the baseline {expected}"

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> FingerprintFinding:
        """Read what `dataclasses.asdict` made, after a way through JSON.

        Raises:
            TypeError: where a field is unknown or absent.
        """
        return cls(**body)
