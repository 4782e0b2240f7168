"""Columns of training data that are described in numbers before anything else is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelwatch.errors import ConfigurationError, SchemaError
from modelwatch.extractors.extraction import Extraction, checked_extractors
from modelwatch.fitting.roles import Roles
from modelwatch.tables.batches import Batches

__all__ = ["fitted_extraction", "with_descriptors"]


def fitted_extraction(
    extractors: Mapping[str, str] | None, roles: Roles, model_object: object
) -> Extraction:
    """Return what replaces columns by descriptors.

    Args:
        extractors: as given to `Baseline.fit`.
        roles: what each column is.
        model_object: likewise as given.

    Raises:
        ConfigurationError: where there is no such extractor, or a model is given, which would be
            asked about rows without the columns that it reads.
        SchemaError: where a column has another role.
    """
    extraction = Extraction(checked_extractors(extractors))
    if extraction and model_object is not None:
        raise ConfigurationError(
            "extractors and model_object are both given, and the model reads what the descriptors "
            "stand for: give importances in its place."
        )
    needed = {*roles.needed} - {*(roles.features or ())}
    taken = next((name for name in extraction if name in needed), None)
    if taken is not None:
        raise SchemaError(
            f"column {taken!r} is named in extractors, and as prediction, score, label, timestamp "
            "or segment: only inputs are described."
        )
    return extraction


def with_descriptors(roles: Roles, extraction: Extraction, batches: Batches) -> Roles:
    """Return the roles with the descriptors of each feature that has some, in its place.

    Args:
        roles: what each column is.
        extraction: what replaces columns.
        batches: the table, with them replaced.

    Raises:
        SchemaError: where the first rows have no descriptor of a column.
    """
    if not extraction:
        return roles
    first = next(batches.read(lambda share: None), None)
    columns = () if first is None else tuple(first.columns)
    of = {name: [at for at in columns if at.startswith(f"{name}.")] for name in extraction}
    empty = next((name for name, found in of.items() if columns and not found), None)
    if empty is not None:
        raise SchemaError(
            f"extractor {extraction.names[empty]!r} found nothing to describe in column {empty!r}: "
            f"give a column of values that it takes, of {sorted(columns)}."
        )
    if roles.features is None:
        return roles
    features = [at for name in roles.features for at in of.get(name, [name])]
    return replace(roles, features=tuple(features))
