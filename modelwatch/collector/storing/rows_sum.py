"""Rows that are summed up to the profiles of a window."""

from __future__ import annotations

import copy
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from modelwatch.collector.storing.accumulator import Accumulator, Vectors
from modelwatch.collector.storing.arrival_rows import ArrivalRow
from modelwatch.collector.storing.merged_rows import Level, MergedRow
from modelwatch.collector.storing.other_parts import Others
from modelwatch.collector.storing.senders import count_senders
from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.errors import FormatError, ProfileMismatch, StoreError
from modelwatch.profile import Profile
from modelwatch.seasons import hour_of_week
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Window
from modelwatch.telemetry.wire.assembling import empty_profile, fold_series

__all__ = ["RowsSum", "Sum"]


@dataclass
class Sum:
    """What is summed so far of the rows that were counted with one baseline."""

    vectors: Accumulator = field(default_factory=Accumulator)
    others: Others = field(default_factory=Others)
    documents: Profile | None = None
    start_ns: int = 2**63 - 1
    end_ns: int = 0
    spans: set[tuple[int, int]] = field(default_factory=set)
    hours: Counter[int] = field(default_factory=Counter)
    contradicting: int = 0

    def add(self, row: MergedRow | ArrivalRow) -> None:
        """Add one row."""
        self.vectors.add_sums(row.vectors)
        if row.others is not None:
            self.others.add_packed(row.others)
        self.start_ns = min(self.start_ns, row.start_ns)
        self.end_ns = max(self.end_ns, row.end_ns)
        self.spans.add((row.start_ns, row.end_ns))
        if row.row_count and not _tells_hours(row):
            self.hours[hour_of_week(row.start_ns, row.end_ns)] += row.row_count

    def profile(self, model: str, version: str, baseline_id: str | None) -> Profile | None:
        """Return the whole; None where there was nothing that could be read."""
        if not self.spans:
            return self.documents
        window = Window(model, version, "", "", baseline_id or "", self.start_ns, self.end_ns)
        told = self.vectors.vectors()
        profile = empty_profile(window)
        self.contradicting = fold_series(
            profile, told.series_set, told.counts, told.sums, told.minima, told.maxima
        )
        if _lacks_durations(told):
            profile.duration_sum_seconds = math.nan
        others = self.others.profile()
        hours = self.hours
        if others is not None:
            hours = hours + others.window_hours if others.window_hours else hours
            profile = profile.merge(_named_like(profile, others))
        is_plain = len(self.spans) == 1 and hours is self.hours
        profile.window_hours = Counter() if is_plain else hours
        return profile if self.documents is None else self.documents.merge(profile)


class RowsSum:
    """What is summed so far of a window, by baseline.

    Attributes:
        senders: hashes of who sent it.
        latest: the latest arrival of it.
        left_out: rows, or parts of them, that are damaged or contradict the others.
    """

    def __init__(self) -> None:
        self.sums: defaultdict[str, Sum] = defaultdict(Sum)
        self.senders: set[int] = set()
        self.latest = 0
        self.left_out = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Leave a row out that is damaged or contradicts the others, and count it."""
        try:
            yield
        except (StoreError, FormatError, ProfileMismatch):
            self.left_out += 1

    def add(self, row: MergedRow | ArrivalRow, senders: Iterable[int]) -> None:
        """Add one row, and the hashes of its senders."""
        self.senders.update(senders)
        self.sums[row.baseline_id].add(row)

    def add_document(self, profile: Profile) -> None:
        """Add a row that is a profile.

        Raises:
            ProfileMismatch: where it contradicts those before it.
        """
        total = self.sums[profile.baseline_id or ""]
        known = total.documents
        total.documents = profile if known is None else known.merge(profile)

    def profiles(self, model: str, version: str) -> WindowProfiles:
        """Return the whole."""
        found: dict[str | None, Profile] = {}
        for baseline_id, total in self.sums.items():
            with self.counting():
                profile = total.profile(model, version, baseline_id or None)
                if profile is not None:
                    found[baseline_id or None] = profile
            self.left_out += total.others.left_out + total.contradicting
        return WindowProfiles(
            profiles=found,
            unmergeable=self.left_out,
            instances=count_senders(self.senders),
            through_id=self.latest,
        )


def _lacks_durations(told: Vectors) -> bool:
    """Return whether the sum of durations is not known."""
    histograms = (series for series in told.series_set.series if series.is_histogram)
    return any(
        math.isnan(total) and series.metric == names.PREDICTION_DURATION
        for series, total in zip(histograms, told.sums.tolist(), strict=True)
    )


def _tells_hours(row: MergedRow | ArrivalRow) -> bool:
    """Return whether a row itself knows at which hours of the week its rows came."""
    return isinstance(row, MergedRow) and row.level is Level.DAY


def _named_like(profile: Profile, nameless: Profile) -> Profile:
    """Return a profile that can be merged with another one."""
    named = copy.copy(nameless)
    named.model, named.version, named.baseline_id = (
        profile.model, profile.version, profile.baseline_id,
    )  # fmt: skip
    named.start_ns, named.end_ns = profile.start_ns, profile.end_ns
    return named
