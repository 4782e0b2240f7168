"""The parts of a model's traffic, and the statistics of each beside those of the whole.

A segment is what one column says of a row: its carrier, its country, its client. Rows of segments
that are not told apart, and rows that name none, are the segment `OTHER`.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError
from modelwatch.profile import Profile
from modelwatch.sketches import Categories
from modelwatch.tables.columns import categorical_column
from modelwatch.tables.compact_columns import RawColumn, taken

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline
    from modelwatch.tables.batches import Progress

__all__ = [
    "MAX_SEGMENTS",
    "OTHER",
    "SegmentCodes",
    "SegmentProfiles",
    "SplitProfile",
    "arranged",
    "most_frequent",
    "split_profile",
]

OTHER = "__other__"
"""The segment of all rows that no other one holds."""

MAX_SEGMENTS = 20
"""Segments that are told apart, the most frequent ones."""

MAX_HELD = 100
"""Segments held apart while rows are read, first come: which of them are frequent is known then."""


class SplitProfile(NamedTuple):
    """Statistics of a table and of its segments.

    Attributes:
        whole: of all rows, as `Profile.from_data` makes it.
        segments: of each segment, without co-moments and performance; empty where the table lacks
            the column.
    """

    whole: Profile
    segments: dict[str, Profile]


class SegmentCodes:
    """Numbers the segments in the order in which they come, up to a limit. Not thread-safe.

    Args:
        known: segments that have a number from the start.

    Attributes:
        any_named: whether some row named a segment.

    >>> codes = SegmentCodes()
    >>> codes.of(["a", None, "b", "a"]).tolist(), codes.name_of(2)
    ([1, 0, 2, 1], 'b')
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._places: dict[str, int] = {}
        self.any_named = False
        self._add(known)

    def of(self, values: RawColumn) -> npt.NDArray[np.intp]:
        """Return the number of each row's segment, from 1; 0 for the others."""
        column = categorical_column(values)
        self.any_named = self.any_named or bool(column.counts)
        self._add(column.counts)
        return np.maximum(column.codes(self._places, 0), 0)

    def name_of(self, code: int) -> str:
        """Return the name of the segment of a number."""
        return list(self._places)[code - 1] if code else OTHER

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            if len(self._places) >= MAX_HELD:
                return
            if name != OTHER:
                self._places.setdefault(name, len(self._places) + 1)


class SegmentProfiles:
    """Counts rows by segment, on the bins of a baseline. Not thread-safe.

    Memory: as much as a profile, for each of 100 segments at most. Time: every value is sorted into
    its bin once more, and some 50 us for each feature of a segment in a batch.

    Args:
        column: the column that names the segment; one value is one segment, whatever its type.
        baseline: gives bins, vocabularies and limits.
        known: segments that are held apart whenever they come.
        singles: of categorical features, categories that one row of all the data has: rows of them
            are noted as unseen.
    """

    def __init__(
        self,
        column: str,
        baseline: Baseline,
        *,
        known: Iterable[str] = (),
        singles: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._column = column
        self._baseline = baseline
        self._codes = SegmentCodes(known)
        self._singles = {name: found for name, found in (singles or {}).items() if found}
        self._unseen: dict[str, Counter[str]] = {name: Counter() for name in self._singles}
        self._profiles: dict[str, Profile] = {}

    def update(self, columns: Mapping[str, RawColumn]) -> None:
        """Take in the next rows.

        Args:
            columns: raw columns of one length, features and others; rows of a table without the
                segments' column are of no segment.
        """
        features = [name for name in self._baseline.features if name in columns]
        rows = len(next(iter(columns.values()), ()))
        codes = np.zeros(rows, dtype=np.intp)
        if self._column in columns:
            codes = self._codes.of(columns[self._column])
        order = np.argsort(codes, kind="stable")
        present, starts = np.unique(codes[order], return_index=True)
        ends = [*starts[1:].tolist(), rows]
        ordered = {name: taken(columns[name], order) for name in features}
        for code, start, end in zip(present.tolist(), starts.tolist(), ends, strict=True):
            part = {name: values[start:end] for name, values in ordered.items()}
            self._update_segment(self._codes.name_of(code), part)

    @property
    def any_named(self) -> bool:
        """Whether some row named a segment."""
        return self._codes.any_named

    def profiles(self) -> dict[str, Profile]:
        """Return the profile of each segment that was held apart, and of the others."""
        for feature, rows in self._unseen.items():
            for name, profile in self._profiles.items():
                if isinstance(profile.features[feature].values, Categories):
                    profile.features[feature].outliers["unseen_category"] = rows[name]
        return dict(self._profiles)

    def _update_segment(self, name: str, columns: Mapping[str, RawColumn]) -> None:
        profile = self._profiles.get(name)
        if profile is None:
            baseline = self._baseline
            profile = Profile.empty(
                baseline.model,
                baseline.version,
                baseline=baseline,
                segment=name,
                features_only=True,
            )
            self._profiles[name] = profile
        profile.update(columns)
        for feature, singles in self._singles.items():
            codes = self._baseline.features[feature].read(columns[feature])
            found = getattr(codes, "counts", {})
            self._unseen[feature][name] += sum(found[key] for key in found.keys() & singles)


def most_frequent(profiles: Mapping[str, Profile]) -> dict[str, Profile]:
    """Return the 20 segments with the most rows, and all others together.

    Args:
        profiles: by segment, on the same bins; they are left as they are.

    Returns:
        The most frequent first, `OTHER` last, where there is one.

    Raises:
        ProfileMismatch: where profiles that have to be added are of different origins.
    """
    named = sorted(profiles.keys() - {OTHER}, key=lambda name: (-profiles[name].rows, name))
    kept = {name: profiles[name] for name in named[:MAX_SEGMENTS]}
    rest = [profiles[name] for name in named[MAX_SEGMENTS:]]
    if OTHER in profiles:
        rest.append(profiles[OTHER])
    return kept | ({OTHER: _together(rest)} if rest else {})


def arranged(profiles: Mapping[str, Profile], names: Iterable[str]) -> dict[str, Profile]:
    """Return current segments as a baseline tells them apart.

    A segment that the baseline does not name belongs to the others, where the baseline has others.
    Where it names all that it saw, the segment is new and stays apart; of new segments the 20 with
    the most rows.

    Args:
        profiles: the current ones; they are left as they are.
        names: the baseline's segments.

    Raises:
        ProfileMismatch: where profiles that have to be added are of different origins.
    """
    names = list(names)
    known = {name: profiles[name] for name in names if name in profiles and name != OTHER}
    others = {name: profile for name, profile in profiles.items() if name not in known}
    if OTHER in names:
        return known | ({OTHER: _together(others.values())} if others else {})
    return known | most_frequent(others)


def split_profile(
    data: object, *, baseline: Baseline, progress: Progress | None = None
) -> SplitProfile:
    """Summarise a table as a whole and by the baseline's segments, in one pass over its rows.

    Args:
        data: see `Profile.from_data`; a file may be larger than memory.
        baseline: what the model was trained on; without segments, there are none.
        progress: is told which share of the rows was read, in [0, 1], where that is known.

    Raises:
        DataError: where the data cannot be read, or holds neither a row nor a column that the
            baseline knows.
    """
    # Readers of files: who reads a baseline's segments needs none of them.
    from modelwatch.tables.batches import read_table

    whole = Profile.empty(baseline.model, baseline.version, baseline=baseline)
    column = baseline.segment or ""
    parts = SegmentProfiles(column, baseline, known=baseline.segments)
    for batch in read_table(data, progress, baseline.extraction):
        named = {name: values for name, values in batch.columns.items() if name == column}
        whole.update_expected(batch.columns, baseline)
        if baseline.segment is not None:
            parts.update(batch.columns | named)
    if not whole.rows:
        raise DataError("the data holds no rows: there is nothing to compare.")
    if not parts.any_named:
        return SplitProfile(whole, {})
    return SplitProfile(whole, arranged(parts.profiles(), baseline.segments))


def _together(profiles: Iterable[Profile]) -> Profile:
    """Return the statistics of several segments as those of the others."""
    return reduce(Profile.merge, [_as_other(profile) for profile in profiles])


def _as_other(profile: Profile) -> Profile:
    same = copy.copy(profile)
    same.segment = OTHER
    return same
