"""What a watch is told of its inputs: their names in arrays, and which become descriptors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwatch.capture.rows import RowReader
from modelwatch.errors import ConfigurationError
from modelwatch.extractors.extraction import Extraction, checked_extractors
from modelwatch.parameter_checks import shown, text

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["DeclaredInputs"]


@dataclass(frozen=True, kw_only=True)
class DeclaredInputs:
    """What a watch is told of its inputs.

    Attributes:
        feature_names: of the columns of arrays and sequences, in order; empty where not told.
        extractors: the name of an extractor by feature.
    """

    feature_names: tuple[str, ...] = ()
    extractors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def checked(cls, feature_names: object, extractors: object) -> DeclaredInputs:
        """Return what a user declares.

        Raises:
            ConfigurationError: where names are no texts or occur twice, or there is no such
                extractor.
        """
        named = checked_extractors(extractors)
        Extraction(named)
        return cls(feature_names=_names(feature_names), extractors=named)

    def reader(self, baseline: Baseline | None, learned: Sequence[str] = ()) -> RowReader:
        """Return what reads rows.

        Args:
            baseline: names the features.
            learned: the features that a first row had, where there is no baseline.

        Raises:
            ConfigurationError: where baseline and declaration are of different features, or the
                baseline needs an extractor that there is not.
        """
        if baseline is None:
            # Names of arrays are those of features, but where some of them become descriptors.
            names = learned or (() if self.extractors else self.feature_names)
            return RowReader(names, self.feature_names, Extraction(self.extractors))
        reader = RowReader(baseline.inputs, self.feature_names, self._extraction(baseline))
        if self.feature_names and {*self.feature_names} != {*reader.given_names}:
            raise ConfigurationError(
                f"feature_names are {shown(list(self.feature_names))}, and the baseline's inputs "
                f"{shown(list(reader.given_names))}: give the same names, in the order of the "
                "arrays' columns, or leave feature_names out."
            )
        return reader

    def _extraction(self, baseline: Baseline) -> Extraction:
        for feature, name in self.extractors.items():
            of_baseline = baseline.extractors.get(feature, name)
            if feature in baseline.features or of_baseline != name:
                raise ConfigurationError(
                    f"extractors name {name!r} for {feature!r}, and the baseline "
                    + ("was fitted on its values" if feature in baseline.features else "another")
                    + ": fit the baseline with the same extractors."
                )
        return Extraction({**baseline.extractors, **self.extractors})


def _names(names: object) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ConfigurationError(
            f"feature_names is {shown(names)}: give the names of the features in order, as in "
            "['age', 'income'], or None."
        )
    found = tuple(text(f"feature_names[{at}]", name) for at, name in enumerate(names))
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"feature_names name {twice!r} twice: give each a name of its own."
        )
    return found
