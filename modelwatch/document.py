"""The envelope of every JSON document of modelwatch, and readers of its fields.

A document may come from anybody who can reach a collector. Each reader takes an object and the
name of one of its fields, and returns the field's value in the type that its own name says, or
raises `FormatError`: what was read needs no further checks of its type.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError, FormatError

__all__ = [
    "Body",
    "choice",
    "count",
    "counters",
    "counts",
    "dump",
    "dump_packed",
    "finite_or_none",
    "flag",
    "is_whole",
    "load",
    "load_packed",
    "number",
    "numbers",
    "object_of",
    "objects",
    "optional_number",
    "optional_object",
    "optional_text",
    "refuse",
    "text",
    "texts",
    "time_ns",
]

Body = Mapping[str, Any]
Choice = TypeVar("Choice", bound=str)

MOST_COUNTED: Final = 2**53
"""Counts, and sums of them, lie below: so far, every whole number is a float without loss too."""

LATEST_NS: Final = 2**63 - 1

_SHOWN_CHARACTERS: Final = 40


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
        ConfigurationError: where it is no text at all.
    """
    if not isinstance(text, (str, bytes, bytearray)):
        raise ConfigurationError(
            f"the document of {where} is {_shown(text)}: give its JSON as a text or bytes."
        )
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormatError(
            f"{where} is damaged: not JSON ({reason}). Write it again from its source."
        ) from error
    if not isinstance(document, dict) or document.get("format") != format_name:
        found = document.get("format") if isinstance(document, dict) else document
        raise FormatError(f"{where} is no {format_name} document (its format is {_shown(found)}).")
    version = document.get("format_version")
    if type(version) is not int or version < 1:
        raise FormatError(f"{where} is damaged: its format_version is {_shown(version)}.")
    if version > format_version:
        raise FormatError(
            f"{where} has format version {version}, this release of modelwatch reads up to "
            f"{format_version}: upgrade modelwatch, or write the document with this release."
        )
    return document


def dump_packed(format_name: str, format_version: int, body: Mapping[str, Any]) -> bytes:
    """Return a document, compressed; raises as `dump`."""
    return zlib.compress(dump(format_name, format_version, body).encode())


def load_packed(
    packed: bytes, format_name: str, format_version: int, *, where: str, most_bytes: int
) -> dict[str, Any]:
    """Read what `dump_packed` made; arguments as for `load`.

    Args:
        packed: the bytes.
        format_name: what the document must be.
        format_version: the newest version that this release reads.
        where: names the source in error messages.
        most_bytes: of its JSON: a damaged one must not fill the memory.

    Raises:
        FormatError: as for `load`; or where the bytes are damaged, cut short, or too many.
    """
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(packed, most_bytes)
    except zlib.error as error:
        raise FormatError(f"{where} is damaged: {error}.") from error
    if not reader.eof:
        raise FormatError(f"{where} is damaged: it is cut short, or too long.")
    return load(found, format_name, format_version, where=where)


def finite_or_none(value: float | None) -> float | None:
    """Return the number, or None where JSON has no way to write it.

    >>> finite_or_none(math.inf), finite_or_none(1.5)
    (None, 1.5)
    """
    return value if value is not None and math.isfinite(value) else None


def refuse(body: Body, name: str, expected: str) -> NoReturn:
    """Say that a field is not what it must be."""
    found = _shown(body[name]) if name in body else "absent"
    raise FormatError(f"{name} is {found}, not {expected}")


def text(body: Body, name: str) -> str:
    """Return a text that UTF-8 can write.

    >>> text({"model": "churn"}, "model")
    'churn'
    """
    value = body.get(name)
    if not isinstance(value, str) or not _is_unicode([value]):
        refuse(body, name, "a text")
    return value


def optional_text(body: Body, name: str) -> str | None:
    """Return a text, or None where the field holds null."""
    return None if _is_null(body, name) else text(body, name)


def texts(body: Body, name: str) -> list[str]:
    """Return a list of texts, no two alike."""
    value = body.get(name)
    if not isinstance(value, list) or not set(map(type, value)) <= {str}:
        refuse(body, name, "a list of texts")
    if len(set(value)) < len(value) or not _is_unicode(value):
        refuse(body, name, "a list of different texts")
    return value


def choice(body: Body, name: str, choices: Sequence[Choice]) -> Choice:
    """Return the one of the choices that the field holds."""
    value = body.get(name)
    for known in choices:
        if value == known:
            return known
    refuse(body, name, f"one of {', '.join(choices)}")


def flag(body: Body, name: str) -> bool:
    """Return a truth value."""
    value = body.get(name)
    if not isinstance(value, bool):
        refuse(body, name, "true or false")
    return value


def number(body: Body, name: str, *, lowest: float = -math.inf) -> float:
    """Return a finite number, not below the lowest.

    >>> number({"mean": 2}, "mean")
    2.0
    """
    value: Any = body.get(name)
    if type(value) not in (int, float):
        refuse(body, name, "a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not (math.isfinite(found) and found >= lowest):
        refuse(body, name, "a finite number" if lowest < 0 else f"a number of {lowest:g} or more")
    return found


def optional_number(body: Body, name: str, *, lowest: float = -math.inf) -> float | None:
    """Return a finite number, or None where the field holds null."""
    return None if _is_null(body, name) else number(body, name, lowest=lowest)


def numbers(body: Body, name: str) -> npt.NDArray[np.float64]:
    """Return a list of finite numbers as an array, shape (n,)."""
    value = body.get(name)
    if not isinstance(value, list) or not set(map(type, value)) <= {int, float}:
        refuse(body, name, "a list of numbers")
    try:
        found = np.array(value, dtype=np.float64)
    except OverflowError:
        found = np.array([np.inf])
    if not np.isfinite(found).all():
        refuse(body, name, "a list of finite numbers")
    return found


def is_whole(value: object, lowest: int, highest: int) -> bool:
    """Tell whether a value is a whole number, and within its bounds."""
    return type(value) is int and lowest <= value <= highest


def count(body: Body, name: str) -> int:
    """Return a count, 0 or more.

    >>> count({"rows": 7}, "rows")
    7
    """
    value: int = body.get(name, -1)
    if not is_whole(value, 0, MOST_COUNTED):
        refuse(body, name, "a count of 0 or more")
    return value


def time_ns(body: Body, name: str) -> int:
    """Return Unix nanoseconds that fit into 64 bits."""
    value: int = body.get(name, -1)
    if not is_whole(value, -LATEST_NS, LATEST_NS):
        refuse(body, name, "a time in Unix nanoseconds")
    return value


def counts(body: Body, name: str) -> list[int]:
    """Return a list of counts whose sum is a count too."""
    value = body.get(name)
    if not isinstance(value, list) or not _are_counts(value):
        refuse(body, name, "a list of counts of 0 or more")
    return value


def counters(body: Body, name: str) -> dict[str, int]:
    """Return counts by text, whose sum is a count too."""
    value = body.get(name)
    if not isinstance(value, dict) or not _are_counts(value.values()) or not _is_unicode(value):
        refuse(body, name, "an object of counts of 0 or more")
    return value


def object_of(body: Body, name: str) -> dict[str, Any]:
    """Return a JSON object."""
    value = body.get(name)
    if not isinstance(value, dict):
        refuse(body, name, "an object")
    return value


def optional_object(body: Body, name: str) -> dict[str, Any] | None:
    """Return a JSON object, or None where the field holds null."""
    return None if _is_null(body, name) else object_of(body, name)


def objects(body: Body, name: str) -> list[dict[str, Any]]:
    """Return a list of JSON objects."""
    value = body.get(name)
    if not isinstance(value, list) or not set(map(type, value)) <= {dict}:
        refuse(body, name, "a list of objects")
    return value


def _is_null(body: Body, name: str) -> bool:
    return body.get(name, name) is None


def _are_counts(values: Collection[Any]) -> bool:
    return (
        set(map(type, values)) <= {int}
        and min(values, default=0) >= 0
        and sum(values) <= MOST_COUNTED
    )


def _is_unicode(values: Iterable[str]) -> bool:
    """Tell whether UTF-8 can write the texts: JSON can escape one half of a surrogate pair."""
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    """Return a short text: a list or object may be long, or deeper than `repr` can follow."""
    if not isinstance(value, (str, int, float, type(None))):
        return f"a {type(value).__name__}"
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}..."


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
