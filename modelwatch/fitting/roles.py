"""Which column of the training data plays which part."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modelwatch.errors import ConfigurationError, SchemaError
from modelwatch.feature import Role
from modelwatch.parameter_checks import optional_text, shown, text

__all__ = ["Roles"]


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which column plays which part; see `Baseline.fit`."""

    features: tuple[str, ...] | None = None
    prediction: str | None = None
    score: str | Mapping[str, str] | None = None
    label: str | None = None
    timestamp: str | None = None
    segment: str | None = None

    @classmethod
    def checked(
        cls,
        *,
        features: Iterable[str] | None,
        score: str | Mapping[str, str] | None,
        **columns: str | None,
    ) -> Roles:
        """Return the roles that a caller names.

        Args:
            features: see `Baseline.fit`.
            score: likewise.
            columns: column by each other role.

        Raises:
            ConfigurationError: where one is no column's name.
        """
        named = {
            role: optional_text(role, column, "a column's name") for role, column in columns.items()
        }
        return cls(features=_features(features), score=_score(score), **named)

    @property
    def scores(self) -> tuple[str, ...]:
        """Every score column."""
        if self.score is None:
            return ()
        return (self.score,) if isinstance(self.score, str) else tuple(self.score.values())

    @property
    def named(self) -> dict[str, str]:
        """Column to its role, for all but the inputs.

        Raises:
            SchemaError: where one column has two roles.
        """
        pairs = [
            (self.prediction, "prediction"),
            (self.label, "label"),
            (self.timestamp, "timestamp"),
            *((column, "score") for column in self.scores),
            *((column, "feature") for column in self.features or ()),
        ]
        roles: dict[str, str] = {}
        for column, role in pairs:
            if column is None:
                continue
            if column in roles:
                raise SchemaError(
                    f"column {column!r} is named as {roles[column]} and as {role}: give it one."
                )
            roles[column] = role
        return roles

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that is named; the segment's may be one of the others too.

        Raises:
            SchemaError: where one column has two roles.
        """
        segment = () if self.segment is None else (self.segment,)
        return tuple(dict.fromkeys((*self.named, *segment)))

    def of_features(self, columns: Iterable[str]) -> dict[str, Role]:
        """Return the features among the columns, inputs first.

        Raises:
            SchemaError: where a column that is named is not there, or none is a feature.
            ConfigurationError: where the name of a feature cannot be written to a file.
        """
        columns = list(columns)
        named = self.named
        segment = {} if self.segment is None else {self.segment: "segment"}
        for name, role in (segment | named).items():
            if name not in columns:
                near = difflib.get_close_matches(name, columns, n=1)
                hint = (
                    f" Did you mean {near[0]!r}?" if near else f" The data has {sorted(columns)}."
                )
                raise SchemaError(f"there is no column {name!r}, named as {role}. {hint}")
        others = tuple(name for name in columns if name not in named)
        inputs = others if self.features is None else self.features
        outputs = (*((self.prediction,) if self.prediction else ()), *self.scores)
        found: dict[str, Role] = dict.fromkeys(inputs, "input")
        found.update(dict.fromkeys(outputs, "output"))
        if not found:
            raise SchemaError("the data has no feature column: name some with features=[...].")
        for name in found:
            text("the name of a column", name, "the column a name of whole characters")
        return found


def _features(features: Iterable[str] | None) -> tuple[str, ...] | None:
    if features is None:
        return None
    if isinstance(features, str):
        raise ConfigurationError(f"features is {features!r}: give a list, as in [{features!r}].")
    if not isinstance(features, Iterable):
        raise ConfigurationError(f"features is {shown(features)}: give a list of column names.")
    return tuple(
        text(f"features[{at}]", name, "a column's name") for at, name in enumerate(features)
    )


def _score(score: str | Mapping[str, str] | None) -> str | Mapping[str, str] | None:
    wanted = "a column's name, or {class: column}"
    if not isinstance(score, Mapping):
        return optional_text("score", score, wanted)
    if not score:
        raise ConfigurationError(f"score is {{}}: give {wanted}, or None.")
    return {
        text("a class of score", name, "the class as a text, as in {'1': column}"): text(
            f"score[{name!r}]", column, "a column's name"
        )
        for name, column in score.items()
    }
