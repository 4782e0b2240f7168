"""Baselines of the watched model version, and of no other."""

from __future__ import annotations

import os

from modelwatch.baseline import Baseline
from modelwatch.errors import ConfigurationError

__all__ = ["check_identity", "load_baseline"]


def load_baseline(
    source: str | os.PathLike[str] | Baseline, *, model: str, version: str
) -> Baseline:
    """Return the baseline of a model version.

    Args:
        source: the baseline or the file that holds it.
        model: the model that is watched.
        version: its version.

    Raises:
        FormatError: where the file is absent or damaged.
        ConfigurationError: where the source is neither, or is the baseline of something else.
    """
    if isinstance(source, Baseline):
        baseline = source
    elif isinstance(source, (str, os.PathLike)):
        baseline = Baseline.load(source)
    else:
        raise ConfigurationError(
            f"baseline is a {type(source).__name__}: give a Baseline, the name of its file, the "
            "URL of a collector, or None."
        )
    check_identity(baseline, model, version)
    return baseline


def check_identity(baseline: Baseline, model: str, version: str) -> None:
    """Refuse the baseline of another model version.

    Raises:
        ConfigurationError: where it is one.
    """
    if (baseline.model, baseline.version) != (model, version):
        raise ConfigurationError(
            f"the baseline is of model {baseline.model!r} version {baseline.version!r}, but the "
            f"watch is of {model!r} version {version!r}: give the baseline of this version, or fit "
            "one."
        )
