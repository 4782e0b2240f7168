"""The reference of every comparison: statistics of the data that made or proved a model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from modelwatch.comparisons.block_law import JointEffect
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.comparisons.value_effects import SegmentSpread, ValueEffects
from modelwatch.errors import FormatError
from modelwatch.feature import FeatureSpec
from modelwatch.file_names import path_of, path_to_write
from modelwatch.lazy import cached_property
from modelwatch.model_fingerprint import Fingerprint
from modelwatch.parameter_checks import instance
from modelwatch.seasons import Seasons, SeasonUse
from modelwatch.sketches.bin_edges import DEFAULT_BINS

if TYPE_CHECKING:
    from modelwatch.comparisons.joint_reference import JointReference
    from modelwatch.distance_limit import DistanceLimit
    from modelwatch.extractors.extraction import Extraction
    from modelwatch.performance.error_cells import FeatureCells
    from modelwatch.performance_baseline import PerformanceBaseline
    from modelwatch.profile import Profile
    from modelwatch.reference import Reference

__all__ = ["Baseline", "BaselineFeature", "PromotedFrom"]


@dataclass(frozen=True, kw_only=True)
class PromotedFrom:
    """The live traffic that a baseline was made of.

    Attributes:
        start_ns: start of the window, Unix nanoseconds.
        end_ns: its end.
        baseline_id: the baseline that was in force then, whose bins it has; None without one.
    """

    start_ns: int
    end_ns: int
    baseline_id: str | None


@dataclass(frozen=True, kw_only=True)
class BaselineFeature(FeatureSpec):
    """One feature of a baseline: how it is summarised, and how much its blocks in time vary.

    Attributes:
        importance: weight of the feature in the model, 0 or more; None where not given.
        kurtosis: fourth central moment over the squared variance, 1 or more; numbers only.
        values_effect: design effect of the chi-square statistic of its values.
        ks_effect: of their Kolmogorov-Smirnov statistic; numbers only.
        location_effect: of their mean normal score; numbers only.
        seasons: its values by season, where they have a cycle over the day or the week.
        missing_effect: design effect of its missing share.
        outliers_effect: design effect of its outlier share.
        segment_spread: the same between blocks of one segment's rows; None without segments.
    """

    importance: float | None = None
    kurtosis: float | None = None
    values_effect: DesignEffect = field(default_factory=DesignEffect)
    ks_effect: DesignEffect = field(default_factory=DesignEffect)
    location_effect: DesignEffect = field(default_factory=DesignEffect)
    seasons: Seasons | None = None
    missing_effect: DesignEffect = field(default_factory=DesignEffect)
    outliers_effect: DesignEffect = field(default_factory=DesignEffect)
    segment_spread: SegmentSpread | None = None

    @property
    def value_effects(self) -> ValueEffects:
        """The design effects of the statistics of its values."""
        return ValueEffects(self.values_effect, self.ks_effect, self.location_effect)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Bins, limits, statistics and variability of a model's features. Immutable.

    Make one with `Baseline.fit`; keep it beside the model with `save`.

    Attributes:
        model: the model's name.
        version: its version.
        rows: rows that it was fitted on.
        features: inputs and outputs by name.
        prediction: the output that holds the predicted value or class, or None.
        score: the output that holds the score, or one output a class, or None.
        label: the column that held the truth, or None.
        timestamp: the column that gave the order in time, or None.
        seasons: when features with a cycle are compared with the same hours or weekdays: "rows",
            where the compared rows have that column too; "clock", by the time of a service's window
            as well; "none", never.
        profile: the statistics of the rows that it was fitted on.
        segment: the column that says to which part of the traffic a row belongs, or None.
        segments: statistics of each segment on the same bins: the 20 with the most rows, the most
            frequent first, and `"__other__"` for all others where there are more; no co-moments.
        performance: how well the model did by the labels; None where there were none.
        joint_effect: how much the statistics of all numeric inputs together vary between blocks.
        extractors: columns of the training data that are no features themselves, but described in
            numbers by `column.descriptor`, to the name of the extractor that describes them.
        distance_limit: the largest squared Mahalanobis distance of a row that is no outlier; None
            where there is no such limit.
        fingerprint: of the model and the libraries it was made for, or None.
        promoted_from: the live traffic it was made of; None where it was fitted on a table.
    """

    model: str
    version: str
    rows: int
    features: Mapping[str, BaselineFeature]
    prediction: str | None
    score: str | Mapping[str, str] | None
    label: str | None
    timestamp: str | None
    profile: Profile
    segment: str | None = None
    segments: Mapping[str, Profile] = field(default_factory=dict)
    seasons: SeasonUse = "rows"
    performance: PerformanceBaseline | None = None
    joint_effect: JointEffect = field(default_factory=JointEffect)
    extractors: Mapping[str, str] = field(default_factory=dict)
    distance_limit: float | None = None
    fingerprint: Fingerprint | None = None
    promoted_from: PromotedFrom | None = None

    @classmethod
    def fit(
        cls,
        data: object,
        *,
        model: str,
        version: str,
        features: Sequence[str] | None = None,
        prediction: str | None = None,
        score: str | Mapping[str, str] | None = None,
        label: str | None = None,
        timestamp: str | None = None,
        segment: str | None = None,
        seasons: SeasonUse = "rows",
        importances: Mapping[str, float] | None = None,
        model_object: object = None,
        fingerprint: Fingerprint | None = None,
        extractors: Mapping[str, str] | None = None,
        bins: int = DEFAULT_BINS,
        outlier_z_score: float | None = None,
        outlier_distance: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> Baseline:
        """Summarise training or validation data.

        How much the rows' blocks in time order vary is measured too, so the order matters: give
        `timestamp`, or rows in the order in which they came. Where rows turn out to be sorted by
        a feature or the label, they are taken as independent, and a warning is logged.

        Args:
            data: a pandas or polars frame, a pyarrow table, a mapping of arrays, a list of
                mappings; the name of a CSV, Parquet or Arrow file, which may be larger than
                memory; a list of frames, or a function that returns an iterator of tables. For
                outputs, use predictions on rows that the model was not trained on.
            model: the model's name.
            version: its version.
            features: the input columns; all that have no other role where None.
            prediction: the column with the predicted value or class.
            score: the column with the score, or {class: column}. Without its class, it is taken for
                the one of the two whose rows have the higher mean score.
            label: the column with the truth, of the same kind as the predictions: from it, the
                calibration of the scores and the size of errors are learned, so that performance
                can be told later, with labels and without. Rows may lack it.
            timestamp: the column that orders the rows.
            segment: the column that says to which part of the traffic a row belongs; an input too,
                like any other column without a role, unless `features` leaves it out.
            seasons: whether features that have a cycle over the day or the week are compared with
                the same times of the baseline: "rows" where the compared rows have the timestamp
                column too; "clock" in windows of a live service as well, where the timestamps are
                the times in UTC at which the model was asked; "none" never.
            importances: weight of each input in the model, 0 or more.
            model_object: in place of importances, the model to compute them from, by shuffling each
                input (see `baseline_importance`): an object with `predict_proba` or `predict`, or a
                function from a table to predictions. The table is of the kind of `data`, a pandas
                frame for a file or a stream, and has the inputs in their order.
            fingerprint: of the model that is to be served, by `modelwatch.fingerprint`; a watch
                that has another says so.
            extractors: columns that hold texts, images, embeddings or the like, by the name of the
                extractor that describes them, as in ``{"review": "text"}``: the features are then
                `review.length` and so on (see `modelwatch.extractors`). Watches and comparisons
                with the baseline do the same by themselves. Not with `model_object`.
            bins: bins of a numeric feature, 10 or more.
            outlier_z_score: so many standard deviations from its mean, a number is an outlier even
                within the fences that hold for all numbers; None for the fences alone.
            outlier_distance: whether a row is an outlier too where its numbers are usual one by
                one but not together, by its Mahalanobis distance. That takes a third pass over the
                data, and some 5 us more at each watched call.
            progress: is told which share of the work is done, in [0, 1], where that is known.

        The data is read twice. Of what is not in memory, bins lie by at most 2,000,000 values of a
        feature, evenly spaced, and up to 2,000,000 rows are sorted where `timestamp` asks for it.

        Raises:
            DataError: where there are no rows, the data cannot be read, or the model fails on it.
            SchemaError: where a named column is not there or has two roles.
            ConfigurationError: where an option is out of range, or `model_object` is no model.
        """
        from modelwatch.fitting.fit import fit_baseline
        from modelwatch.fitting.roles import Roles

        roles = Roles.checked(
            features=features,
            prediction=prediction,
            score=score,
            label=label,
            timestamp=timestamp,
            segment=segment,
        )
        if fingerprint is not None:
            instance("fingerprint", fingerprint, Fingerprint, "make one by modelwatch.fingerprint")
        fitted = fit_baseline(
            data,
            model=model,
            version=version,
            roles=roles,
            seasons=seasons,
            importances=importances,
            model_object=model_object,
            extractors=extractors,
            bins=bins,
            outlier_z_score=outlier_z_score,
            outlier_distance=outlier_distance,
            progress=progress,
        )
        return fitted if fingerprint is None else replace(fitted, fingerprint=fingerprint)

    @cached_property
    def id(self) -> str:
        """Hash of the whole content, 16 hexadecimal digits: two baselines differ where it does."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @cached_property
    def extraction(self) -> Extraction:
        """Replaces columns by their descriptors.

        Raises:
            ConfigurationError: where an extractor is not registered in this process.
        """
        from modelwatch.extractors.extraction import Extraction

        return Extraction(self.extractors)

    @cached_property
    def reference(self) -> Reference:
        """Its histograms, laid out for comparison."""
        from modelwatch.reference import Reference

        return Reference.of(list(self.profile.features.values()))

    @cached_property
    def joint_reference(self) -> JointReference | None:
        """The co-moments of its numeric inputs, laid out for comparison; None without any."""
        from modelwatch.comparisons.joint_reference import JointReference, too_heavy_tailed

        joint = self.profile.joint
        if joint is None or joint.n <= 1:
            return None
        return JointReference.of(joint, too_heavy_tailed(self.kurtoses))

    @cached_property
    def distance(self) -> DistanceLimit | None:
        """The limit of a row's distance from the mean; None where there is none."""
        from modelwatch.distance_limit import DistanceLimit

        joint = self.profile.joint
        if self.distance_limit is None or joint is None or joint.n <= 1:
            return None
        return DistanceLimit.of(joint, self.distance_limit)

    @cached_property
    def error_features(self) -> tuple[FeatureCells, ...]:
        """The cells by which errors of labelled rows are told, by feature."""
        from modelwatch.performance_baseline import error_features

        return error_features(self)

    @property
    def kurtoses(self) -> dict[str, float | None]:
        """Fourth central moment over the squared variance by feature, None where unknown."""
        return {name: feature.kurtosis for name, feature in self.features.items()}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the features that the model reads."""
        return tuple(name for name, feature in self.features.items() if feature.role == "input")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what the model makes."""
        return tuple(name for name, feature in self.features.items() if feature.role == "output")

    @property
    def other_columns(self) -> tuple[str, ...]:
        """Columns of the training data that are no features: label, timestamp, segment."""
        named = dict.fromkeys((self.label, self.timestamp, self.segment))
        return tuple(name for name in named if name is not None and name not in self.features)

    def of_segment(self, name: str) -> Baseline:
        """Return the baseline that rows of one segment are compared with.

        It has the same features, bins, limits and importances; rows and statistics are the
        segment's. How much blocks vary was measured on the segments' own rows, each segment's
        blocks against that segment, and is one figure for all of them: tests are the more careful
        where segments differ in it. Where no segment had 400 rows, it is taken from the whole,
        which is conservative where what varies in time is common to all segments, as the weather is
        to all carriers: n rows of a segment are spread over more time than n rows of the whole.
        Cycles over the day or the week are not kept apart: blocks that stray by them count as
        varying, so that a window of a few hours is found less easily, and not found in error.

        Args:
            name: one of `segments`.

        Raises:
            SchemaError: where the baseline has no such segment.
        """
        from modelwatch.fitting.segments import baseline_of_segment

        return baseline_of_segment(self, name)

    def to_json(self) -> str:
        """Return the baseline as a versioned JSON document."""
        from modelwatch.baseline_format import baseline_to_json

        return baseline_to_json(self)

    @staticmethod
    def from_json(text: str | bytes, *, where: str = "the baseline") -> Baseline:
        """Read a baseline that this or an older release wrote.

        Args:
            text: the document.
            where: names the source in error messages.

        Raises:
            FormatError: where the text is damaged or of a newer format version.
            ConfigurationError: where it is no text at all.
        """
        from modelwatch.baseline_format import baseline_from_json

        return baseline_from_json(text, where=where)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON document to a file, whole or not at all.

        Raises:
            ConfigurationError: where the path is no file's name, or its folder is not there.
            OSError: where the file cannot be written.
        """
        target = path_to_write(path)
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            partial.write_text(self.to_json(), encoding="utf-8")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Baseline:
        """Read a file that `save` wrote.

        Raises:
            FormatError: where it is not there, damaged or of a newer format version.
            ConfigurationError: where the path is no file's name.
        """
        source = path_of(path)
        try:
            content = source.read_bytes()
        except OSError as error:
            raise FormatError(
                f"baseline file {str(source)!r} cannot be read: {error.strerror}. "
                "Make one with Baseline.fit(...).save(path)."
            ) from error
        return Baseline.from_json(content, where=f"baseline file {str(source)!r}")

    def __repr__(self) -> str:
        size = f"{self.rows} rows, {len(self.features)} features"
        return f"<Baseline {self.model} {self.version}: {size}>"
