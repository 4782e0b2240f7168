"""What one model version was asked and answered in a window, summed up so that parts merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelwatch.distance_limit import DistanceLimit
from modelwatch.errors import ConfigurationError, DataError, ProfileMismatch
from modelwatch.feature import FeatureProfile, FeatureSpec, Role, empty_joint
from modelwatch.outlier_rows import count_outlier_rows
from modelwatch.outliers import OutlierLimits
from modelwatch.parameter_checks import instance, shown
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.performance_columns import PerformanceColumns, merged, merged_labels
from modelwatch.seasons import HOURS_OF_WEEK, hour_of_week, hours_of_week
from modelwatch.sketches import Histogram, JointMoments
from modelwatch.tables.columns import ABSENT, CategoricalColumn, NumericColumn
from modelwatch.tables.compact_columns import CodedColumn, RawColumn
from modelwatch.tables.times import unix_seconds
from modelwatch.tables.value_kinds import KindCounts

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline
    from modelwatch.tables.batches import Progress

__all__ = ["DURATION_BOUNDS_SECONDS", "Profile"]

DURATION_BOUNDS_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Bin edges of prediction latency, in seconds."""

MAX_UNEXPECTED_FEATURES = 50
"""Features that the baseline lacks are summarised up to this many, first come."""

MAX_DISCOVERED_FEATURES = 1_000
"""Likewise where no baseline is known."""


class Profile:
    """What is known of one model version over one window. Not thread-safe.

    Attributes:
        model: the model's name.
        version: its version.
        baseline_id: the baseline whose bins and limits were used, or None.
        segment: the part of the traffic, or None for all of it.
        instance: the process that saw it, or None once several are merged.
        start_ns: start of the window, Unix time in nanoseconds.
        end_ns: its end.
        rows: rows summarised (captured).
        features: statistics by feature name, inputs and outputs.
        predictions: all calls, sampled or not, by error type; "" for success.
        duration: seconds a call, counted on `DURATION_BOUNDS_SECONDS`.
        duration_sum_seconds: their sum; NaN where a sender told some of them without one.
        dropped: rows that were lost, by reason.
        outlier_rows: rows summarised of which some input is an outlier.
        mismatches: windows in which the sender's model or environment was another than the
            baseline's, by what `modelwatch.model_fingerprint.mismatch_key` makes of the difference.
        joint: co-moments of the numeric inputs; None without a baseline.
        hours: rows by hour of the week in UTC, Monday's first being 0, where rows had times.
        window_hours: rows by the hour of the week that the window's middle lies in, of merged ones.
        untimed: rows of batches whose timestamps are there and none of which is a time; not stored.
        scores: scores by bin and predicted class; None where performance is not estimated of them.
        labelled: rows whose truth is known; None where the baseline had no labels.
        quadratic: moments of the inputs that errors depend on; None but in a regression.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        baseline_id: str | None = None,
        segment: str | None = None,
        instance: str | None = None,
        start_ns: int = 0,
        end_ns: int = 0,
    ) -> None:
        self.model = model
        self.version = version
        self.baseline_id = baseline_id
        self.segment = segment
        self.instance = instance
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.rows = 0
        self.features: dict[str, FeatureProfile] = {}
        self.predictions: Counter[str] = Counter()
        self.duration = Histogram(DURATION_BOUNDS_SECONDS)
        self.duration_sum_seconds = 0.0
        self.dropped: Counter[str] = Counter()
        self.outlier_rows = 0
        self._distance: DistanceLimit | None = None
        self.mismatches: Counter[str] = Counter()
        self.joint: JointMoments | None = None
        self.hours: Counter[int] = Counter()
        self.window_hours: Counter[int] = Counter()
        self.untimed = 0
        self.scores: ScoreSummary | None = None
        self.labelled: LabelledSummary | RegressionSummary | None = None
        self.quadratic: QuadraticMoments | None = None
        self._performance: PerformanceColumns | None = None
        self._specs: dict[str, FeatureSpec] = {}
        self._expected: frozenset[str] = frozenset()
        self._outputs: frozenset[str] = frozenset()

    @classmethod
    def empty(
        cls,
        model: str,
        version: str,
        *,
        baseline: Baseline | None = None,
        limits: Mapping[str, OutlierLimits] | None = None,
        outputs: frozenset[str] = frozenset(),
        segment: str | None = None,
        instance: str | None = None,
        start_ns: int = 0,
        features_only: bool = False,
    ) -> Profile:
        """Return a profile of no rows that is ready for `update`.

        Args:
            model: the model's name.
            version: its version.
            baseline: gives bins, vocabularies and limits; without one they are discovered.
            limits: what makes a value of some features an outlier, in place of the baseline's.
            outputs: names of outputs among the features that no baseline knows.
            segment: the part of the traffic.
            instance: the process.
            start_ns: start of the window, Unix nanoseconds.
            features_only: whether to keep neither co-moments nor performance.
        """
        profile = cls(
            model,
            version,
            baseline_id=baseline.id if baseline else None,
            segment=segment,
            instance=instance,
            start_ns=start_ns,
            end_ns=start_ns,
        )
        profile._outputs = outputs
        if baseline is not None:
            profile._specs = dict(baseline.features)
            for name, own in (limits or {}).items():
                profile._specs[name] = replace(profile._specs[name], limits=own)
            profile._expected = frozenset(profile._specs)
            profile._distance = baseline.distance
        if baseline is not None and not features_only:
            profile.joint = empty_joint(list(baseline.features.values()))
            if baseline.performance is not None:
                profile.scores = baseline.performance.empty_scores()
                profile.labelled = baseline.performance.empty_labelled()
                profile.quadratic = baseline.performance.empty_quadratic()
                profile._performance = baseline.performance.columns(baseline)
        return profile

    @classmethod
    def from_data(
        cls, data: object, *, baseline: Baseline, progress: Progress | None = None
    ) -> Profile:
        """Summarise a table on a baseline's bins.

        Args:
            data: a table or a file's name, as `Baseline.fit` takes it, or an iterator of tables;
                a file may be larger than memory. Inputs of the baseline that it lacks count as
                absent in every row; further columns are unexpected features, except the
                baseline's label and timestamp.
            baseline: what the model was trained on.
            progress: is told which share of the rows was read, in [0, 1], where that is known.

        Raises:
            DataError: where the data cannot be read, or holds neither a row nor a column that the
                baseline knows.
            ConfigurationError: where the baseline is none.
        """
        from modelwatch.tables.batches import read_table  # readers of files: no service has any

        if not hasattr(baseline, "other_columns"):
            raise ConfigurationError(f"baseline is {shown(baseline)}: give a Baseline.")
        profile = cls.empty(baseline.model, baseline.version, baseline=baseline)
        for batch in read_table(data, progress, baseline.extraction):
            profile.update_expected(batch.columns, baseline)
        if not profile.rows:
            raise DataError("the data holds no rows: there is nothing to compare.")
        return profile

    def update_expected(self, columns: dict[str, RawColumn], baseline: Baseline) -> None:
        """Fold in some rows of a table, as `from_data` reads them.

        Args:
            columns: raw columns of one length; what is no feature is taken out, and inputs of the
                baseline that are not there are put in, as absent.
            baseline: the one that the profile was made for.

        Raises:
            DataError: where none of the first columns is known to the baseline.
        """
        if not columns.keys() & baseline.features.keys() and not self.rows:
            raise DataError(
                f"none of the columns {sorted(columns)} is a feature of model "
                f"{baseline.model!r}: it has {sorted(baseline.features)}."
            )
        rows = len(next(iter(columns.values()), ()))
        label: RawColumn | None = None
        for name in baseline.other_columns:
            values = columns.pop(name, None)
            if name == baseline.timestamp and values is not None:
                self.count_times(values)
            if name == baseline.label:
                label = values
        absent = CodedColumn([ABSENT], np.zeros(rows, dtype=np.intp))
        for name in baseline.inputs:
            columns.setdefault(name, absent)
        self.update(columns, label=label)

    def update(
        self,
        columns: Mapping[str, RawColumn | NumericColumn | CategoricalColumn],
        *,
        label: RawColumn | None = None,
        is_clean: bool = False,
    ) -> None:
        """Fold in one batch of rows.

        Args:
            columns: columns of one length: raw ones of any Python values, `ABSENT` where a row
                lacks one; or, for what a baseline knows, columns as its feature reads them.
            label: the truth of each row, raw, None where it is not known; it is no feature.
            is_clean: whether no input is an outlier, so that none has to be looked for.
        """
        rows = len(next(iter(columns.values()), ()))
        read: dict[str, NumericColumn | CategoricalColumn] = {}
        for name, values in columns.items():
            spec = self._spec(name, values)
            if spec is None:
                continue
            feature = self.features.get(name)
            if feature is None or feature.kind != spec.kind:
                self.features[name] = FeatureProfile.empty(spec)
                self.features[name].missing.update(feature.missing if feature else {})
            checks = not (is_clean and spec.role == "input")
            read[name] = self.features[name].update(values, spec, checks=checks)
        self.rows += rows
        if not is_clean:
            self._count_outlier_rows(read)
        self._update_joint(read)
        if self._performance is not None:
            self._performance.update(self, read, label)

    def count_times(self, times: RawColumn) -> None:
        """Note when rows came, of which seasons are told; those without a time are passed over."""
        hours = hours_of_week(unix_seconds(times))
        if not (hours >= 0).any():
            self.untimed += KindCounts.of(times).total
        found = np.bincount(hours[hours >= 0], minlength=HOURS_OF_WEEK)
        self.hours.update({int(hour): int(found[hour]) for hour in np.flatnonzero(found)})

    def record_calls(
        self, durations_seconds: Sequence[float], error_types: Mapping[str, int] | None = None
    ) -> None:
        """Count calls of the watched function.

        Args:
            durations_seconds: one a call, failed ones too.
            error_types: how many of them failed, by exception type.
        """
        failed = Counter(error_types or {})
        self.predictions.update({**failed, "": len(durations_seconds) - failed.total()})
        durations = np.fromiter(durations_seconds, np.float64, len(durations_seconds))
        self.duration.update(durations)
        self.duration_sum_seconds += float(durations.sum())

    def merge(self, other: Profile) -> Profile:
        """Return the statistics of both; merging is associative and commutative.

        Raises:
            ProfileMismatch: where model, version, segment, baseline or a feature's bins differ.
            ConfigurationError: where the other is no profile.
        """
        instance("other", other, Profile, "give a Profile")
        for name in ("model", "version", "segment", "baseline_id"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise ProfileMismatch(f"cannot merge profiles of {name} {mine!r} and {theirs!r}.")
        result = Profile(
            self.model,
            self.version,
            baseline_id=self.baseline_id,
            segment=self.segment,
            instance=self.instance if self.instance == other.instance else None,
            start_ns=min(self.start_ns, other.start_ns),
            end_ns=max(self.end_ns, other.end_ns),
        )
        result.rows = self.rows + other.rows
        result.hours = self.hours + other.hours
        result.untimed = self.untimed + other.untimed
        spans = {(profile.start_ns, profile.end_ns) for profile in (self, other)}
        if self.window_hours or other.window_hours or len(spans) > 1:
            result.window_hours = self._by_clock() + other._by_clock()
        result.features = dict(self.features)
        for name, feature in other.features.items():
            mine = result.features.get(name)
            result.features[name] = mine.merge(feature) if mine else feature
        result.predictions = self.predictions + other.predictions
        result.duration = self.duration.merge(other.duration)
        result.duration_sum_seconds = self.duration_sum_seconds + other.duration_sum_seconds
        result.dropped = self.dropped + other.dropped
        result.outlier_rows = self.outlier_rows + other.outlier_rows
        result.mismatches = self.mismatches + other.mismatches
        result.joint = merged(self.joint, other.joint)
        result.scores = merged(self.scores, other.scores)
        result.labelled = merged_labels(self.labelled, other.labelled)
        result.quadratic = merged(self.quadratic, other.quadratic)
        return result

    @property
    def outlier_rate(self) -> float | None:
        """Share of rows of which some input is an outlier; None without rows."""
        return min(self.outlier_rows / self.rows, 1.0) if self.rows else None

    def came(self, *, by_clock: bool) -> Counter[int]:
        """Return rows by hour of the week, empty where that is not known.

        Args:
            by_clock: whether the time of the window tells it where the rows had no times.
        """
        return self.hours or (self._by_clock() if by_clock else Counter())

    def _by_clock(self) -> Counter[int]:
        if self.window_hours or not (self.rows and self.end_ns):
            return self.window_hours
        return Counter({hour_of_week(self.start_ns, self.end_ns): self.rows})

    def to_json(self) -> str:
        """Return the profile as a versioned JSON document."""
        from modelwatch.profile_format import profile_to_json

        return profile_to_json(self)

    @staticmethod
    def from_json(text: str | bytes) -> Profile:
        """Read a profile that this or an older release wrote.

        Raises:
            FormatError: where the text is damaged or of a newer format version.
        """
        from modelwatch.profile_format import profile_from_json

        return profile_from_json(text)

    def __repr__(self) -> str:
        return f"<Profile {self.model} {self.version}: {self.rows} rows of {len(self.features)}>"

    def _spec(
        self, name: str, values: RawColumn | NumericColumn | CategoricalColumn
    ) -> FeatureSpec | None:
        """Return how a feature is summarised; None where there are too many.

        What no baseline knows is described by its first values that are not missing.
        """
        spec = self._specs.get(name)
        if spec is None:
            limit = MAX_UNEXPECTED_FEATURES if self.baseline_id else MAX_DISCOVERED_FEATURES
            if len(self._specs) - len(self._expected) >= limit:
                return None
        elif name in self._expected or self.features[name].observed:
            return spec
        if isinstance(values, (NumericColumn, CategoricalColumn)):
            values = values.values
        role: Role = "output" if name in self._outputs else "input"
        self._specs[name] = FeatureSpec.discovered(name, role, values)
        return self._specs[name]

    def _count_outlier_rows(self, read: Mapping[str, NumericColumn | CategoricalColumn]) -> None:
        inputs = {name: read[name] for name in read if self._specs[name].role == "input"}
        limits = {name: self._specs[name].limits for name in inputs}
        rows, features = count_outlier_rows(inputs, limits, self._distance)
        self.outlier_rows += rows
        for name, count in features.items():
            self.features[name].outliers["distance"] += count

    def _update_joint(self, read: Mapping[str, NumericColumn | CategoricalColumn]) -> None:
        if self.joint is None:
            return
        columns = [read.get(name) for name in self.joint.names]
        numbers = [column.values for column in columns if isinstance(column, NumericColumn)]
        if len(numbers) == len(columns):
            self.joint.update_columns(numbers)
