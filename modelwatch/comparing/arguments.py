"""What a comparison is asked for, checked before it starts."""

from __future__ import annotations

from collections.abc import Mapping

from modelwatch.baseline import Baseline
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import instance, shown
from modelwatch.profile import Profile

__all__ = ["check_arguments"]


def check_arguments(
    baseline: object, *, thresholds: object, segments: object, progress: object, origin: object
) -> None:
    """Refuse arguments of `compare` that are of a wrong type.

    Raises:
        ConfigurationError: names the argument, what it is, and what to give.
    """
    remedy = "give a Baseline first, then the data to compare with it"
    if isinstance(baseline, str):
        remedy = f"read it first, with Baseline.load({baseline!r})"
    instance("baseline", baseline, Baseline, remedy)
    if thresholds is not None:
        instance("thresholds", thresholds, Thresholds, "give Thresholds(...), or None")
    if progress is not None and not callable(progress):
        raise ConfigurationError(f"progress is {shown(progress)}: give a function, or None.")
    if origin not in (None, "skew", "drift"):
        raise ConfigurationError(f"origin is {shown(origin)}: give 'skew', 'drift' or None.")
    _check_segments(segments)


def _check_segments(segments: object) -> None:
    if segments is None:
        return
    if not isinstance(segments, Mapping):
        raise ConfigurationError(f"segments is {shown(segments)}: give {{name: Profile}}, or None.")
    for name, profile in segments.items():
        if not isinstance(name, str):
            raise ConfigurationError(f"segments names {shown(name)}: give each name as a text.")
        instance(f"segments[{name!r}]", profile, Profile, "give a Profile")
