"""Fields of a row that are no features: the id that it has of its own, say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.row_values import fields_of
from modelwatch.capture.rows import Batch, Row

__all__ = ["without_columns", "without_fields"]


def without_fields(
    features: object, names: Collection[str], features_named: Collection[str]
) -> tuple[object, dict[str, Any]]:
    """Return features without the fields of some names, and those: of a row, or columns of many.

    Args:
        features: as a watched function took them; only what has fields by name is looked into.
        names: of the fields.
        features_named: those among the names that stay, as they are features too.
    """
    fields = features if type(features) is dict else fields_of(features)
    if fields is None:
        return features, {}
    found = {name: fields[name] for name in names if name in fields}
    if not found:
        return features, {}
    taken = found.keys() - features_named
    if not taken:
        return features, found
    rest = dict(fields)
    for name in taken:
        del rest[name]
    return rest, found


def without_columns(
    captured: Row | Batch, names: Collection[str], plan: CapturePlan
) -> tuple[Row | Batch, dict[str, Any]]:
    """Do the same with what was read, for features that only reading gives names."""
    known = plan.reader.names
    if isinstance(captured, Batch):
        columns = captured.columns
        found = {name: columns[name] for name in names if name in columns}
        kept = {name: columns[name] for name in columns if name in known or name not in found}
        return Batch(kept, captured.rows), found
    extras: Mapping[str, Any] = captured.extras or {}
    found = {name: extras[name] for name in names if name in extras}
    for name in names:
        if name in known and not isinstance(captured.values, bytes):
            found[name] = captured.values[known.index(name)]
    kept = {name: extras[name] for name in extras if name not in found}
    return (captured if len(kept) == len(extras) else Row(captured.values, kept or None)), found
