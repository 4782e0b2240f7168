"""The comparison of all features of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelwatch.baseline import Baseline
from modelwatch.comparing.arguments import check_arguments
from modelwatch.comparing.distances import distances_of
from modelwatch.comparing.doubts import doubted
from modelwatch.comparing.evidence import evidence_of
from modelwatch.comparing.hashed_names import with_plain_names
from modelwatch.comparing.multivariate import multivariate_drift
from modelwatch.comparing.pairs import pairs_of
from modelwatch.comparing.performance import performance_of
from modelwatch.comparing.performance_verdicts import with_verdicts
from modelwatch.comparing.schema import fingerprint_findings, schema_findings
from modelwatch.comparing.segments import explained, parts_of, thresholds_of_parts
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.comparing.timing import timing_note
from modelwatch.comparing.verdicts import Judged, decide
from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.origins import Run, with_origins
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.skew_findings import Origin
from modelwatch.segments import split_profile
from modelwatch.tables.batches import Progress

__all__ = ["compare"]


def compare(
    baseline: Baseline,
    current: object,
    *,
    thresholds: Thresholds | None = None,
    segments: Mapping[str, Profile] | None = None,
    progress: Progress | None = None,
    origin: Origin | None = None,
) -> DriftReport:
    """Compare current data with a baseline.

    Args:
        baseline: the reference.
        current: a `Profile`, or a table as `Profile.from_data` takes it.
        thresholds: when a difference is drift; the defaults where None.
        segments: with a profile, those of its segments by name; of a table they are found by the
            baseline's column.
        progress: is told which share of a table's rows was read, in [0, 1], where that is known.
        origin: skew where the data is known to be of the first window after a deployment, drift
            where there was none of what is found in earlier ones: findings say so. None where
            neither is known.

    Returns:
        Findings for every feature of the baseline. An input that a table lacks counts as missing
        in every row; an output that it lacks is insufficient_data. Where there are segments, the
        same for each: those of the baseline against their own rows, insufficient_data where they
        are absent now; new ones, as the report's `note` says, against all rows of the baseline. All
        segments together raise as many false alarms as the whole. The one that explains a finding
        of the whole is named there.

    Raises:
        ProfileMismatch: where a profile is of another model or version.
        DataError: where the data cannot be read or is empty.
        ConfigurationError: where segments are given with a table, or an argument is of a wrong
            type.
    """
    check_arguments(
        baseline, thresholds=thresholds, segments=segments, progress=progress, origin=origin
    )
    thresholds = thresholds or Thresholds()
    profile, found = _split(baseline, current, segments, progress)
    for one in (profile, *found.values()):
        _check_same(baseline, one)
    profile = with_plain_names(profile, baseline)
    found = {name: with_plain_names(part, baseline) for name, part in found.items()}
    report = _compared(baseline, profile, thresholds, baseline.id)
    notes = [note for note in (timing_note(baseline, profile), report.note) if note]
    report = replace(
        report,
        note="; ".join(notes) or None,
        schema=schema_findings(baseline, profile),
        fingerprint=fingerprint_findings(baseline, profile),
    )
    if origin is not None:
        report = with_origins(report, dict.fromkeys(report.features, Run(origin, None)))
    if not found:
        return report
    parts = parts_of(baseline, found)
    of_parts = thresholds_of_parts(thresholds, parts)
    return replace(
        report,
        features=explained(report.features, baseline, profile, parts),
        segments={
            part.name: replace(
                _compared(part.baseline, part.profile, of_parts, baseline.id), note=part.note
            )
            for part in parts
        },
    )


def _split(
    baseline: Baseline,
    current: object,
    segments: Mapping[str, Profile] | None,
    progress: Progress | None,
) -> tuple[Profile, Mapping[str, Profile]]:
    """Return the current statistics of the whole and of its segments."""
    if isinstance(current, Profile):
        return current, segments or {}
    if segments is not None:
        raise ConfigurationError(
            "segments are profiles of the parts of a profile, and current is a table, whose "
            "segments are found by the baseline's column: leave segments out."
        )
    return split_profile(current, baseline=baseline, progress=progress)


def _compared(
    baseline: Baseline, profile: Profile, thresholds: Thresholds, baseline_id: str
) -> DriftReport:
    """Compare a whole, or one segment."""
    pairs = pairs_of(baseline, profile)
    distances = distances_of(pairs, baseline.reference)
    evidence = evidence_of(pairs, distances, thresholds.minimum_rows)
    pair_of = {pair.feature.name: pair for pair in pairs}
    judged = [
        Judged(feature, pair_of.get(name), distances.get(name), evidence.get(name))
        for name, feature in baseline.features.items()
    ]
    features = {item.name: item for item in decide(judged, thresholds)}
    performance = performance_of(baseline, profile, thresholds)
    return DriftReport(
        model=baseline.model,
        version=baseline.version,
        baseline_id=baseline_id,
        start_ns=profile.start_ns,
        end_ns=profile.end_ns,
        rows=profile.rows,
        features=features,
        multivariate=multivariate_drift(baseline, profile, thresholds),
        performance=with_verdicts(
            doubted(performance.metrics, features.values()), baseline.performance, profile.labelled
        ),
        note=performance.note,
        outlier_rate=profile.outlier_rate,
        baseline_outlier_rate=baseline.profile.outlier_rate,
        unexpected=tuple(sorted(profile.features.keys() - baseline.features.keys())),
        baseline=baseline,
        current=profile,
    )


def _check_same(baseline: Baseline, profile: Profile) -> None:
    for name in ("model", "version"):
        expected, found = getattr(baseline, name), getattr(profile, name)
        if expected != found:
            raise ProfileMismatch(
                f"the baseline is of {name} {expected!r}, the profile of {found!r}: "
                "compare like with like."
            )
