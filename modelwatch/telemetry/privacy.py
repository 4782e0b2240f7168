"""What may leave the process: the one place that everything passes on its way out.

By default these leave, and nothing else that comes from a row:

- names of features, at most 50 of which no baseline knows; error types and segments, which are
  names that code gives;
- of numbers: counts by bin, n, mean, variance, co-moments, and the exact minimum and maximum;
- of a few predictions that have a trace: its ids, which features were outliers by which rule or lay
  where values have gathered, and the type of the error; no value;
- of categories: counts by name, of the baseline's vocabulary and of the first 20 others of each
  feature (100 where no baseline is known), and further ones without a name;
- of predictions that somebody can know by an id: that id, the time, the outputs, the segment, and
  the values of features where that was asked for;
- of labels: all that the service records.

A feature that holds names, free text or numbers that stand for a person is to be redacted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from modelwatch.errors import ConfigurationError
from modelwatch.feature import FeatureProfile
from modelwatch.parameter_checks import flag, shown
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.profile import Profile
from modelwatch.sketches import Categories
from modelwatch.sketches.categories import hashed_name
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.outcomes import LabelRows, OutcomeValue, PredictionRows

__all__ = ["REDACTED", "Privacy", "Redaction", "checked_names", "matches"]

REDACTED: Final = "__redacted__"
"""The name of all categories whose own is not to be told."""

Redaction = str | re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """What is held back of a profile or an event. Immutable, thread-safe.

    Attributes:
        redact: names of features, in which ``*``, ``?`` and ``[...]`` are wildcards: of such a
            feature nothing leaves, nor does what is summed up over it and others together. A
            compiled pattern does the same to features whose name it finds something in, and takes
            their names from categories in which it does.
        hash_categories: whether categories leave as the first 16 hexadecimal digits of their
            SHA-256. A comparison with a baseline knows the baseline's own again. Whoever can guess
            a name can tell it by its hash.

    Raises:
        ConfigurationError: where an attribute is of another type.

    >>> Privacy(redact=["ssn", "*_email"]).hides("work_email")
    True
    """

    redact: Sequence[Redaction] = ()
    hash_categories: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "redact", checked_names("redact", self.redact))
        flag("hash_categories", self.hash_categories)

    def also(self, redact: Sequence[Redaction]) -> Privacy:
        """Return one that holds back more."""
        more = tuple(one for one in checked_names("redact", redact) if one not in self.redact)
        return replace(self, redact=(*self.redact, *more)) if more else self

    def hides(self, feature: str) -> bool:
        """Tell whether nothing of a feature may leave."""
        return matches(self.redact, feature)

    def applied(self, profile: Profile) -> Profile:
        """Return what may leave of a profile, which stays as it is. Rows and calls count all."""
        if not self.redact and not self.hash_categories:
            return profile
        hidden = {name for name in (*profile.features, *_summed_up(profile)) if self.hides(name)}
        found = copy.copy(profile)
        found.features = {
            name: self._feature(feature)
            for name, feature in profile.features.items()
            if name not in hidden
        }
        if profile.joint is not None and hidden & {*profile.joint.names}:
            found.joint = None
        if profile.quadratic is not None and hidden & {*profile.quadratic.names}:
            found.quadratic = None
        hides_output = any(
            name in hidden and feature.role == "output"
            for name, feature in profile.features.items()
        )
        found.scores = None if hides_output else self._scores(profile.scores)
        found.labelled = None
        return found

    def applied_to_event(self, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what may leave of an event's or span's attributes; None where none may.

        Args:
            attributes: by the names of `modelwatch.telemetry.names`.
        """
        found = dict(attributes)
        if self.hides(str(found.get(names.FEATURE_NAME, ""))):
            return None
        if names.FEATURE_CATEGORY in found:
            found[names.FEATURE_CATEGORY] = self._category(str(found[names.FEATURE_CATEGORY]))
        features = found.get(names.OUTLIER_FEATURES, ())
        shown_places = [at for at, name in enumerate(features) if not self.hides(name)]
        if len(shown_places) < len(features):
            for key in (names.OUTLIER_FEATURES, names.OUTLIER_RULES):
                found[key] = [found[key][at] for at in shown_places]
        if names.EXAMPLE_FEATURES in found:
            told = found[names.EXAMPLE_FEATURES]
            found[names.EXAMPLE_FEATURES] = [name for name in told if not self.hides(name)]
        return found

    def applied_to_predictions(self, rows: PredictionRows) -> PredictionRows | None:
        """Return what may leave of predictions, by the names of outputs and features.

        Texts are categories; ids, numbers and truth values are none. None where nothing is left
        that a label could be compared with.
        """
        if not self.redact and not self.hash_categories:
            return rows
        outputs = self._columns(rows.outputs)
        if not outputs:
            return None
        segments = rows.segments
        if segments is not None:
            segments = [self._category(one) if one else one for one in segments]
        return replace(
            rows, outputs=outputs, features=self._columns(rows.features), segments=segments
        )

    def applied_to_labels(self, rows: LabelRows) -> LabelRows:
        """Return labels of which those that are texts are held back as categories are."""
        if not self.redact and not self.hash_categories:
            return rows
        return replace(rows, labels=self._values(rows.labels))

    def _columns(
        self, columns: Mapping[str, Sequence[OutcomeValue]]
    ) -> dict[str, Sequence[OutcomeValue]]:
        return {
            name: self._values(values) for name, values in columns.items() if not self.hides(name)
        }

    def _values(self, values: Sequence[OutcomeValue]) -> list[OutcomeValue]:
        return [self._category(value) if isinstance(value, str) else value for value in values]

    def _feature(self, feature: FeatureProfile) -> FeatureProfile:
        if not isinstance(feature.values, Categories):
            return feature
        return replace(feature, values=feature.values.renamed(self._category))

    def _scores(self, scores: ScoreSummary | None) -> ScoreSummary | None:
        if scores is None:
            return None
        cells = {self._category(name): cells for name, cells in scores.cells.items()}
        return ScoreSummary(cells, scores.refused) if REDACTED not in cells else None

    def _category(self, name: str) -> str:
        if any(isinstance(one, re.Pattern) and one.search(name) for one in self.redact):
            return REDACTED
        return hashed_name(name) if self.hash_categories else name


def _summed_up(profile: Profile) -> tuple[str, ...]:
    """Return the features of which a profile holds something beside their own statistics."""
    parts = (profile.joint, profile.quadratic)
    return tuple(name for part in parts if part is not None for name in part.names)


def matches(wanted: Sequence[Redaction], feature: str) -> bool:
    """Tell whether a feature is one of some names, with wildcards, or a pattern finds its name.

    >>> matches(["ssn", "*_email"], "work_email")
    True
    """
    return any(
        fnmatchcase(feature, one) if isinstance(one, str) else bool(one.search(feature))
        for one in wanted
    )


def checked_names(argument: str, given: object) -> tuple[Redaction, ...]:
    """Return names and patterns of features.

    Raises:
        ConfigurationError: where they are something else.
    """
    found = tuple(given) if isinstance(given, (list, tuple)) else None
    if found is None or not all(isinstance(one, (str, re.Pattern)) for one in found):
        raise ConfigurationError(
            f"{argument} is {shown(given)}: give a list of names, such as ['ssn', '*_email'], or "
            "of compiled patterns."
        )
    if any(isinstance(one, re.Pattern) and not isinstance(one.pattern, str) for one in found):
        raise ConfigurationError(f"{argument} holds a pattern of bytes: compile it from a text.")
    return found
