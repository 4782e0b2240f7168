"""How a `Baseline` is made from data, in two passes over its rows.

The first tells what each column holds and where its bins lie, the second counts on them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.comparisons.block_law import JointEffect
from modelwatch.comparisons.joint_reference import too_heavy_tailed
from modelwatch.errors import ConfigurationError, DataError, SchemaError
from modelwatch.fitting.batch import Batch, Summary
from modelwatch.fitting.descriptors import fitted_extraction, with_descriptors
from modelwatch.fitting.distance import with_distance_limit
from modelwatch.fitting.effects import FeatureBlocks, most_blocks
from modelwatch.fitting.first_pass import Survey, surveyed
from modelwatch.fitting.importance import RowSample, check_model, importances_of
from modelwatch.fitting.joint import JointRows
from modelwatch.fitting.performance import labelled_rows
from modelwatch.fitting.roles import Roles
from modelwatch.fitting.seasons import SeasonClock
from modelwatch.fitting.segments import SegmentRows
from modelwatch.parameter_checks import choice, flag, number, optional_function, shown, text, whole
from modelwatch.profile import Profile
from modelwatch.seasons import SEASON_USES, SeasonUse
from modelwatch.segments import OTHER, SegmentProfiles, most_frequent
from modelwatch.sketches import Categories
from modelwatch.tables.batches import Progress, Steps, load_batches

__all__ = ["fit_baseline"]

FEWEST_BINS = 10

LOWEST_Z_SCORE = 1.0

MOST_TOGETHER = 0.5
"""Share of rows outside the most frequent segments from which a better column is asked for."""

_logger = logging.getLogger("modelwatch")


def fit_baseline(
    data: object,
    *,
    model: str,
    version: str,
    roles: Roles,
    seasons: SeasonUse = "rows",
    importances: Mapping[str, float] | None,
    model_object: object = None,
    extractors: Mapping[str, str] | None = None,
    bins: int,
    outlier_z_score: float | None = None,
    outlier_distance: bool = False,
    progress: Progress | None = None,
) -> Baseline:
    """Do what `Baseline.fit` promises."""
    whole("bins", bins, FEWEST_BINS)
    if outlier_z_score is not None:
        number("outlier_z_score", outlier_z_score, least=LOWEST_Z_SCORE)
    flag("outlier_distance", outlier_distance)
    text("model", model)
    text("version", version)
    choice("seasons", seasons, SEASON_USES)
    optional_function("progress", progress)
    weights = _weights(importances)
    check_model(model_object, importances)
    extraction = fitted_extraction(extractors, roles, model_object)
    batches = load_batches(data, preparation=extraction or None)
    if not batches.repeatable:
        raise DataError(
            "the data can be read only once, and a baseline takes two passes: give a file, a list "
            "of frames, or a function that returns the iterator anew."
        )
    steps = Steps(progress, 2 + batches.needs_look + outlier_distance)
    if batches.needs_look:
        batches.look(steps.start())
    roles = with_descriptors(roles, extraction, batches)
    survey = surveyed(batches, roles, steps.start())
    features = {
        name: BaselineFeature(**vars(column.spec(bins, outlier_z_score)))
        for name, column in survey.columns.items()
    }
    baseline = Baseline(
        model=model,
        version=version,
        rows=survey.rows,
        features=_with_importances(features, weights),
        prediction=roles.prediction,
        score=roles.score,
        label=roles.label,
        timestamp=roles.timestamp,
        seasons=seasons,
        profile=Profile(model, version),
        segment=roles.segment,
        extractors=extraction.names,
    )
    sample = None if model_object is None else RowSample(survey.rows)
    fitted = _counted(baseline, survey, steps.start(), sample)
    if outlier_distance:
        fitted = with_distance_limit(fitted, survey.batches, steps.start())
    if sample is None:
        return fitted
    found = importances_of(model_object, fitted, data, batches.in_memory, sample)
    return replace(fitted, features=_with_importances(dict(fitted.features), found))


def _counted(
    baseline: Baseline, survey: Survey, report: Progress, sample: RowSample | None = None
) -> Baseline:
    """Take the second pass: count on the bins, in all and by blocks of neighbouring rows."""
    profile = Profile.empty(baseline.model, baseline.version, baseline=baseline)
    profile.baseline_id = None
    clock = _clock(baseline, survey)
    rows = _segment_rows(baseline, survey)
    blocks = _blocks(baseline, survey, clock, rows)
    segments = _segments(baseline, survey)
    for column in survey.columns.values():
        column.forget_values()
    joint = JointRows(profile.joint.names, survey.rows) if profile.joint else None
    labelled = labelled_rows(baseline, survey.rows, in_time_order=survey.in_time_order)
    summaries: list[Summary] = [
        part for part in (clock, rows, joint, labelled, sample) if part is not None
    ]
    summaries += blocks.values()
    for raw in survey.batches.read(report):
        batch = Batch(profile.rows, raw.columns, baseline.features)
        profile.update({name: batch.column(name) for name in baseline.features})
        for summary in summaries:
            summary.update(batch)
        if segments is not None:
            segments.update(raw.columns)
    if profile.rows != survey.rows:
        raise DataError(
            f"the data had {survey.rows} rows when it was first read, and {profile.rows} then: "
            "fit on data that does not change meanwhile."
        )
    _expect_unseen(profile, survey)
    features = {name: block.feature(profile.features[name]) for name, block in blocks.items()}
    in_order = joint is not None and survey.in_time_order is not False
    fitted = replace(baseline, features=features)
    wild = too_heavy_tailed(fitted.kurtoses)
    whole = replace(
        fitted,
        profile=profile,
        segments=_finished(segments, baseline.segment),
        joint_effect=joint.effect(wild) if joint and in_order else JointEffect(),
        performance=None if labelled is None else labelled.performance(),
    )
    if labelled is None or whole.performance is None:
        return whole
    errors = labelled.errors(whole.performance, whole.error_features)
    return replace(whole, performance=replace(whole.performance, errors=errors))


def _expect_unseen(profile: Profile, survey: Survey) -> None:
    """Count as unseen as many rows as new data is expected to have (Good and Turing)."""
    for name, feature in profile.features.items():
        singles = survey.columns[name].singles
        if isinstance(feature.values, Categories) and singles:
            feature.outliers["unseen_category"] = len(singles)


def _finished(segments: SegmentProfiles | None, column: str | None) -> dict[str, Profile]:
    parts = {} if segments is None else most_frequent(segments.profiles())
    _say_where_few_are_told_apart(column, parts)
    for part in parts.values():
        part.baseline_id = None
    return parts


def _segments(baseline: Baseline, survey: Survey) -> SegmentProfiles | None:
    if baseline.segment is None:
        return None
    singles = {name: column.singles for name, column in survey.columns.items()}
    return SegmentProfiles(baseline.segment, baseline, singles=singles)


def _segment_rows(baseline: Baseline, survey: Survey) -> SegmentRows | None:
    if baseline.segment is None:
        return None
    return SegmentRows(baseline.segment, survey.rows, most_blocks(baseline.features))


def _say_where_few_are_told_apart(column: str | None, parts: Mapping[str, Profile]) -> None:
    """Log that a column has too many values to be one of segments."""
    together = parts[OTHER].rows if OTHER in parts else 0
    rows = sum(part.rows for part in parts.values())
    if column is not None and together > MOST_TOGETHER * rows:
        _logger.warning(
            "%.0f%% of rows are in no segment of their own, as %r has too many values: give a "
            "column of a few, such as a country or a plan.",
            100 * together / rows,
            column,
        )


def _clock(baseline: Baseline, survey: Survey) -> SeasonClock | None:
    if baseline.timestamp is None or baseline.seasons == "none":
        return None
    return SeasonClock(baseline.timestamp, survey.rows, most_blocks(baseline.features))


def _blocks(
    baseline: Baseline, survey: Survey, clock: SeasonClock | None, segments: SegmentRows | None
) -> dict[str, FeatureBlocks]:
    most = most_blocks(baseline.features)
    return {
        name: FeatureBlocks(
            feature,
            survey.rows,
            most_blocks=most,
            in_time_order=survey.in_time_order,
            counts=survey.columns[name].counts_on(feature.bin_edges),
            singles=survey.columns[name].singles,
            clock=clock,
            segments=segments,
        )
        for name, feature in baseline.features.items()
    }


def _weights(importances: Mapping[str, float] | None) -> dict[str, float]:
    """Return the importances that a caller gives."""
    if importances is None:
        return {}
    if not isinstance(importances, Mapping):
        raise ConfigurationError(
            f"importances is {shown(importances)}: give {{feature: importance}}, or None."
        )
    return {
        name: number(f"the importance of {shown(name)}", weight, least=0.0)
        for name, weight in importances.items()
    }


def _with_importances(
    features: dict[str, BaselineFeature], importances: Mapping[str, float]
) -> dict[str, BaselineFeature]:
    for name, weight in importances.items():
        if name not in features:
            raise SchemaError(
                f"importances name {name!r}, which is no feature: {sorted(features)}."
            )
        features[name] = replace(features[name], importance=float(weight))
    return features
