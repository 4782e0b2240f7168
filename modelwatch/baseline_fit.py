"""How a `Baseline` is made from data, in two passes over its rows.

The first tells what each column holds and where its bins lie, the second counts on them. A third
is needed where a column's first values mislead about what the others are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.baseline_batch import Batch, Summary
from modelwatch.baseline_effects import FeatureBlocks, most_blocks
from modelwatch.baseline_order import (
    Grouping,
    TimeOrder,
    in_memory,
    say_sorted_by,
    sorted_by_time,
)
from modelwatch.baseline_roles import Roles
from modelwatch.baseline_seasons import SeasonClock
from modelwatch.baseline_survey import ColumnSurvey, Reading, sample_limit
from modelwatch.batches import Batches, Progress, RawBatch, Steps, load_batches
from modelwatch.compact_columns import RawColumn
from modelwatch.errors import ConfigurationError, DataError, SchemaError
from modelwatch.profile import Profile
from modelwatch.sketches import Categories

__all__ = ["fit_baseline"]

FEWEST_BINS = 10


def fit_baseline(
    data: object,
    *,
    model: str,
    version: str,
    roles: Roles,
    importances: Mapping[str, float] | None,
    bins: int,
    progress: Progress | None = None,
) -> Baseline:
    """Do what `Baseline.fit` promises."""
    if not isinstance(bins, int) or bins < FEWEST_BINS:
        raise ConfigurationError(
            f"bins is {bins!r}: give a whole number of {FEWEST_BINS} or more (120 by default)."
        )
    for name, value in (("model", model), ("version", version)):
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{name} is {value!r}: give a text that is not empty.")
    batches = load_batches(data)
    if not batches.repeatable:
        raise DataError(
            "the data can be read only once, and a baseline takes two passes: give a file, a list "
            "of frames, or a function that returns the iterator anew."
        )
    steps = Steps(progress, 2 + batches.needs_look)
    if batches.needs_look:
        batches.look(steps.start())
    survey = _surveyed(batches, roles, steps.start())
    features = {
        name: BaselineFeature(**vars(column.spec(bins))) for name, column in survey.columns.items()
    }
    baseline = Baseline(
        model=model,
        version=version,
        rows=survey.rows,
        features=_with_importances(features, importances),
        prediction=roles.prediction,
        score=roles.score,
        label=roles.label,
        timestamp=roles.timestamp,
        profile=Profile(model, version),
    )
    return _counted(baseline, survey, steps.start())


@dataclass
class _Survey:
    """What the first pass found.

    Attributes:
        batches: the rows, in the order of time.
        columns: what each feature's column holds.
        rows: how many there are.
        in_time_order: whether they are in the order of time: True by a timestamp, False where they
            are sorted by their label, as sample data often is, None where it may be so.
    """

    batches: Batches
    columns: dict[str, ColumnSurvey]
    rows: int = 0
    in_time_order: bool | None = None


def _surveyed(batches: Batches, roles: Roles, report: Progress) -> _Survey:
    """Take the first pass, again where rows have to be sorted or a column is read otherwise."""
    if roles.timestamp is not None and batches.in_memory is not None:
        batches = _sorted(batches.in_memory, roles)
    readings: dict[str, Reading] = {}
    while True:
        survey = _survey(batches, roles, readings, report)
        if survey is None and roles.timestamp is not None:
            batches = _sorted(in_memory(batches, roles.timestamp), roles)
        elif survey is not None:
            misread = {
                name: column.reading
                for name, column in survey.columns.items()
                if column.assumed not in (None, column.reading)
            }
            if not misread:
                return survey
            readings |= misread


def _survey(
    batches: Batches, roles: Roles, readings: Mapping[str, Reading], report: Progress
) -> _Survey | None:
    """Take the first pass; return None where the rows are not in the order of their timestamp."""
    survey = _Survey(batches, {})
    order = None if roles.timestamp is None else TimeOrder(roles.timestamp)
    label = None if roles.label is None else Grouping()
    for batch in batches.read(report):
        if not survey.rows:
            survey.columns = _columns(batch, roles, batches, readings)
        _check_columns(batch, (*survey.columns, *roles.named))
        if order is not None and order.name in batch.columns:
            order.update(batch.columns[order.name])
            if order.broken:
                return None
        elif label is not None and roles.label is not None:
            label.update(batch.columns[roles.label])
        for name, column in survey.columns.items():
            column.update(batch.columns[name])
        survey.rows += batch.rows
    if not survey.rows:
        raise DataError("the data holds no rows: a baseline needs the rows a model was trained on.")
    survey.in_time_order = None if order is None else True
    if order is None and roles.label is not None and label is not None and label.holds:
        say_sorted_by(roles.label)
        survey.in_time_order = False
    return survey


def _sorted(columns: Mapping[str, RawColumn], roles: Roles) -> Batches:
    roles.of_features(columns)
    if roles.timestamp is None:
        return Batches.of_columns(columns)
    return Batches.of_columns(sorted_by_time(columns, roles.timestamp))


def _columns(
    batch: RawBatch, roles: Roles, batches: Batches, readings: Mapping[str, Reading]
) -> dict[str, ColumnSurvey]:
    found = roles.of_features(batch.columns)
    limit = np.inf if batches.in_memory is not None else sample_limit(len(found))
    return {
        name: ColumnSurvey(
            name,
            role,
            is_prediction=name == roles.prediction,
            is_score=name in roles.scores,
            limit=limit,
            reading=readings.get(name),
        )
        for name, role in found.items()
    }


def _check_columns(batch: RawBatch, names: Iterable[str]) -> None:
    absent = next((name for name in names if name not in batch.columns), None)
    if absent is not None:
        raise SchemaError(
            f"column {absent!r} is in the first rows and not in later ones, which have "
            f"{sorted(batch.columns)}: give tables of the same columns."
        )


def _counted(baseline: Baseline, survey: _Survey, report: Progress) -> Baseline:
    """Take the second pass: count on the bins, in all and by blocks of neighbouring rows."""
    profile = Profile.empty(baseline.model, baseline.version, baseline=baseline)
    profile.baseline_id = None
    clock = _clock(baseline, survey)
    blocks = _blocks(baseline, survey, clock)
    for column in survey.columns.values():
        column.forget_values()
    summaries: list[Summary] = [*([clock] if clock else []), *blocks.values()]
    for raw in survey.batches.read(report):
        batch = Batch(profile.rows, raw.columns, baseline.features)
        profile.update({name: batch.column(name) for name in baseline.features})
        for summary in summaries:
            summary.update(batch)
    if profile.rows != survey.rows:
        raise DataError(
            f"the data had {survey.rows} rows when it was first read, and {profile.rows} then: "
            "fit on data that does not change meanwhile."
        )
    for name, feature in profile.features.items():
        singles = survey.columns[name].singles
        if isinstance(feature.values, Categories) and singles:
            # As often a new row is of a category that training never had (Good and Turing).
            feature.outliers["unseen_category"] = len(singles)
    features = {name: block.feature(profile.features[name]) for name, block in blocks.items()}
    return replace(baseline, features=features, profile=profile)


def _clock(baseline: Baseline, survey: _Survey) -> SeasonClock | None:
    if baseline.timestamp is None:
        return None
    return SeasonClock(baseline.timestamp, survey.rows, most_blocks(baseline.features))


def _blocks(
    baseline: Baseline, survey: _Survey, clock: SeasonClock | None
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
        )
        for name, feature in baseline.features.items()
    }


def _with_importances(
    features: dict[str, BaselineFeature], importances: Mapping[str, float] | None
) -> dict[str, BaselineFeature]:
    for name, weight in (importances or {}).items():
        if name not in features:
            raise SchemaError(
                f"importances name {name!r}, which is no feature: {sorted(features)}."
            )
        if not isinstance(weight, (int, float, np.number)) or not 0.0 <= weight < np.inf:
            raise ConfigurationError(f"the importance of {name!r} is {weight!r}: give 0 or more.")
        features[name] = replace(features[name], importance=float(weight))
    return features
