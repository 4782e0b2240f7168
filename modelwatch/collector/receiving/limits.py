"""How much of each kind is taken of a model, and of all: what bounds the store and the pages."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from modelwatch.errors import ConfigurationError

__all__ = ["IngestLimits", "read_limits"]

_MOST = 100_000_000


@dataclass(frozen=True, kw_only=True)
class IngestLimits:
    """Most names of each kind that are heard of within a day. Checked when it is made.

    What goes beyond is refused, and the rest of its request taken. The names are remembered as
    hashes, some 100 bytes each: the default takes 120 MB at the very most.

    Attributes:
        models: models.
        versions: versions of a model.
        features: features of a model.
        categories: categories of a feature.
        segments: segments of a model.
        instances: senders of a model.
        all_versions: versions of all models.
        all_features: features of all models.
        all_categories: categories of all features.
        all_segments: segments of all models.
        all_instances: senders of all models.

    Raises:
        ConfigurationError: a limit is no whole number of 1 or more.
    """

    models: int = 1_000
    versions: int = 100
    features: int = 2_000
    categories: int = 1_000
    segments: int = 100
    instances: int = 10_000
    all_versions: int = 10_000
    all_features: int = 100_000
    all_categories: int = 1_000_000
    all_segments: int = 10_000
    all_instances: int = 100_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or not 1 <= value <= _MOST:
                raise ConfigurationError(
                    f"[limits].{field.name} is {value!r:.40}: give a whole number of 1 to {_MOST}."
                )


def read_limits(table: Mapping[str, Any], given: Mapping[str, int]) -> IngestLimits:
    """Return the limits of a configuration file.

    Args:
        table: ``[limits]`` of the file.
        given: what goes before the file.

    Raises:
        ConfigurationError: a limit is unknown or cannot be.

    >>> read_limits({"models": 5, "features": 7}, {"models": 3}).models
    3
    """
    known = [field.name for field in fields(IngestLimits)]
    chosen = {**table, **given}
    for name in chosen:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
            raise ConfigurationError(f"[limits].{name}: unknown; {remedy}")
    return IngestLimits(**chosen)
