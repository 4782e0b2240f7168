"""Whose a point is and which series it belongs to: what of a point is the same in every window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Attributes, Other, Series, SeriesKind, hash_of
from modelwatch.telemetry.wire.assembling import check_series, plain_attributes
from modelwatch.telemetry.wire.bounded_cache import BoundedCache
from modelwatch.telemetry.wire.grouping import Owner, Sender

__all__ = ["MAX_ATTRIBUTES", "MAX_BOUNDS", "other_of", "sender_of", "series_of", "split_owner"]

MAX_ATTRIBUTES: Final = 128
"""Attributes of a point; SDKs send no more unless they are told to."""

MAX_ATTRIBUTE_CHARACTERS: Final = 16_384
"""Characters of all attributes of a point."""

MAX_BOUNDS: Final = 4_096
"""Bounds of a histogram."""

_IN_WINDOW: Final = frozenset(
    {
        names.MODEL_NAME,
        names.MODEL_VERSION,
        names.SEGMENT,
        names.BASELINE_ID,
        names.WINDOW_START,
    }
)

_BYTES_OF_SERIES: Final = 768
_BYTES_OF_OWNER: Final = 512

_OWNERS: Final = BoundedCache[Owner, Owner](entries=8_192, nbytes=4 * 2**20)
_SERIES: Final = BoundedCache[tuple[str, SeriesKind, Attributes, bytes], Series](
    entries=65_536, nbytes=48 * 2**20
)


def sender_of(resource: Resource) -> Sender:
    """Return who sent what is of a resource."""
    attributes = plain_attributes(resource.attributes)
    return Sender(_hash_of("", resource.attributes), attributes.get(names.SERVICE_INSTANCE_ID, ""))


def split_owner(attributes: Mapping[str, Any]) -> tuple[Owner, dict[str, Any]]:
    """Return of which traffic a point tells, and its other attributes.

    The owner is the same object as before where it is still known.

    Raises:
        KeyError: where the model or its version is not told.
        ValueError: where one of these is no text, or there are too many attributes.
    """
    told = Owner(
        _text(attributes[names.MODEL_NAME]),
        _text(attributes[names.MODEL_VERSION]),
        _text(attributes.get(names.SEGMENT, "")),
        _text(attributes.get(names.BASELINE_ID, "")),
    )
    owner = _OWNERS.get(told)
    if owner is None:
        owner = told
        _OWNERS.put(told, told, nbytes=_BYTES_OF_OWNER + 4 * sum(map(len, told)))
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError(f"it has {len(attributes)} attributes, of {MAX_ATTRIBUTES} at most")
    return owner, {name: value for name, value in attributes.items() if name not in _IN_WINDOW}


def series_of(
    metric: str, kind: SeriesKind, attributes: Mapping[str, Any], bounds: bytes = b""
) -> Series:
    """Return the series of a point, the same object as before where it is still known.

    Args:
        metric: its name.
        kind: what it is.
        attributes: those that are not in the window.
        bounds: of a histogram, as little-endian float64.

    Raises:
        ModelwatchError, KeyError, ValueError: where no profile can hold such a series.
    """
    pairs = tuple(sorted((name, _as_text(value)) for name, value in attributes.items()))
    name = (metric, kind, pairs, bounds)
    series = _SERIES.get(name)
    if series is None:
        characters = sum(len(key) + len(value) for key, value in pairs)
        _require_limits(characters, len(bounds) // 8)
        series = Series(metric, kind, pairs, bounds)
        check_series(series)
        nbytes = _BYTES_OF_SERIES + 2 * characters + len(bounds)
        _SERIES.put(name, series, nbytes=nbytes)
    return series


def other_of(name: str, message: LogRecord | ExponentialHistogramDataPoint) -> Other:
    """Return a point that does not add up.

    Args:
        name: of its metric or event.
        message: the point.
    """
    own = [pair for pair in message.attributes if pair.key not in _IN_WINDOW]
    kept: LogRecord | ExponentialHistogramDataPoint
    if isinstance(message, LogRecord):
        kept = LogRecord(body=message.body, attributes=own)
    else:
        kept = ExponentialHistogramDataPoint()
        kept.CopyFrom(message)
        for field in ("start_time_unix_nano", "time_unix_nano", "exemplars", "attributes"):
            kept.ClearField(field)
        kept.attributes.extend(own)
    return Other(_hash_of(name, own), name, kept.SerializeToString())


def _hash_of(name: str, attributes: Iterable[KeyValue]) -> int:
    """Return a hash that the order of the attributes does not change."""
    values = {pair.key: pair.value.SerializeToString() for pair in attributes}
    return hash_of(repr((name, sorted(values.items()))).encode("utf-8", "backslashreplace"))


def _require_limits(characters: int, bounds: int) -> None:
    if characters > MAX_ATTRIBUTE_CHARACTERS:
        raise ValueError(
            f"its attributes have {characters} characters, of {MAX_ATTRIBUTE_CHARACTERS} at most"
        )
    if bounds > MAX_BOUNDS:
        raise ValueError(f"it has {bounds} bounds, of {MAX_BOUNDS} at most")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"attribute value {value!r} is no text")
    return value
