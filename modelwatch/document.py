"""The envelope of every JSON document of modelwatch: what it is, and its format version."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from modelwatch.errors import FormatError

__all__ = ["dump", "finite_or_none", "load"]


def dump(format_name: str, format_version: int, body: Mapping[str, Any]) -> str:
    """Return a document as compact JSON text.

    Raises:
        FormatError: where the body holds NaN or an infinity, which JSON does not have.
    """
    document = {"format": format_name, "format_version": format_version, **body}
    try:
        return json.dumps(document, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    except ValueError as error:
        raise FormatError(f"a {format_name} cannot hold NaN or infinities: {error}.") from error


def load(text: str | bytes, format_name: str, format_version: int, *, where: str) -> dict[str, Any]:
    """Read a document, of the given format version or an older one.

    Args:
        text: JSON.
        format_name: what the document must be.
        format_version: the newest version that this release reads.
        where: names the source in error messages, as a file name does.

    Raises:
        FormatError: where the text is damaged, another kind of document, or of a newer version.
    """
    try:
        document = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(
            f"{where} is damaged: not JSON ({error}). Write it again from its source."
        ) from error
    if not isinstance(document, dict) or document.get("format") != format_name:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        raise FormatError(f"{where} is no {format_name} document (its format is {found!r}).")
    version = document.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise FormatError(f"{where} is damaged: its format_version is {version!r}.")
    if version > format_version:
        raise FormatError(
            f"{where} has format version {version}, this release of modelwatch reads up to "
            f"{format_version}: upgrade modelwatch, or write the document with this release."
        )
    return document


def finite_or_none(value: float | None) -> float | None:
    """Return the number, or None where JSON has no way to write it.

    >>> finite_or_none(math.inf), finite_or_none(1.5)
    (None, 1.5)
    """
    return value if value is not None and math.isfinite(value) else None
