"""Attributes and other values as protobuf messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

__all__ = [
    "AttributeValue",
    "Scalar",
    "Value",
    "any_value",
    "key_values",
    "resource_message",
    "sendable",
]

Scalar = str | int | float | bool
AttributeValue = Scalar | Sequence[Scalar]
Value = AttributeValue | bytes | Mapping[str, AttributeValue]

_LARGEST_INTEGER = 2**63 - 1


def resource_message(attributes: Mapping[str, Scalar]) -> Resource:
    """Return the resource that a message is of."""
    return Resource(attributes=key_values(attributes))


def key_values(values: Mapping[str, AttributeValue]) -> list[KeyValue]:
    """Return attributes in the order given."""
    return [KeyValue(key=_text(key), value=any_value(value)) for key, value in values.items()]


def any_value(value: Value) -> AnyValue:
    """Return a value; integers beyond 64 bits become doubles, and characters that cannot be sent ?.

    Raises:
        TypeError: where it is of another type.
    """
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if abs(value) <= _LARGEST_INTEGER:
            return AnyValue(int_value=value)
        case int() | float():
            return AnyValue(double_value=_double(value))
        case str():
            return AnyValue(string_value=_text(value))
        case bytes():
            return AnyValue(bytes_value=value)
        case Mapping():
            return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
        case Sequence():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case _:
            raise TypeError(f"{value!r} is of a type that no attribute has.")


def sendable(text: str) -> bytes:
    """Return a text in UTF-8; what is no character becomes a question mark."""
    return text.encode("utf-8", "replace")


def _text(value: str) -> str:
    return value if value.isascii() else sendable(value).decode("utf-8")


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
