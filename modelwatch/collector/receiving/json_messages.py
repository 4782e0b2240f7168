"""OTLP's JSON encoding, read into the messages of protobuf and written from them.

It differs from protobuf's own JSON: ids are hexadecimal, enums are numbers. A field is told by its
lowerCamelCase name or by its own; unknown ones are passed over, and null is a field not told.
64-bit integers come as texts or numbers, bytes in base64.

Reads an export of 40 features on 120 bins in some 5 ms, an eighth of what protobuf's json_format
takes; a third of that is Python's own reader of JSON. The protobuf encoding takes 0.04 ms.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, NamedTuple, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from modelwatch.errors import UndecodableTelemetry

__all__ = ["from_json", "to_json"]

MOST_DEPTH: Final = 100
"""Messages within each other, as protobuf has it."""

_HEX_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})

_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_SFIXED32,
        FieldDescriptor.TYPE_SFIXED64,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
    }
)
_NOT_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


class _Field(NamedTuple):
    """How a field is read; ``convert`` is None where it is a message."""

    name: str
    is_repeated: bool
    convert: Callable[[Any], Any] | None


class _WrongField(ValueError):
    """A field has a value that cannot be."""


def from_json(content: bytes, message: Message) -> None:
    """Read a message from OTLP's JSON.

    Args:
        content: the document.
        message: an empty one of the type that the document tells; is filled.

    Raises:
        UndecodableTelemetry: where the document is no such message.
    """
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
        _fill(message, document, 0)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UndecodableTelemetry(
            f"{len(content)} bytes are no {type(message).__name__} in OTLP's JSON encoding: "
            f"{str(error)[:200]}."
        ) from error


def to_json(message: Message) -> bytes:
    """Return a response, which holds no ids or enums, as JSON.

    >>> from google.rpc.status_pb2 import Status
    >>> to_json(Status(code=3, message="why"))
    b'{"code": 3, "message": "why"}'
    """
    return json.dumps(MessageToDict(message)).encode()


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _fill(message: Any, document: Any, depth: int) -> None:
    if not isinstance(document, dict):
        raise TypeError(f"{type(message).__name__} is no object")
    if depth > MOST_DEPTH:
        raise ValueError(f"it is more than {MOST_DEPTH} messages deep")
    fields = _fields(message.DESCRIPTOR)
    for key, value in document.items():
        field = fields.get(key)
        if field is None or value is None:
            continue
        try:
            _set(message, field, value, depth)
        except _WrongField:  # which names the innermost field
            raise
        except (ValueError, TypeError, OverflowError) as error:
            raise _WrongField(f"{key}: {error}") from error


def _set(message: Any, field: _Field, value: Any, depth: int) -> None:
    name, is_repeated, convert = field
    if is_repeated:
        if not isinstance(value, list):
            raise TypeError("it is no array")
        into = getattr(message, name)
        if convert is not None:
            into.extend(_converted(value, convert))
        else:
            for one in value:
                _fill(into.add(), one, depth + 1)
    elif convert is not None:
        setattr(message, name, convert(value))
    else:
        part = getattr(message, name)
        part.SetInParent()
        _fill(part, value, depth + 1)


def _converted(values: list[Any], convert: Callable[[Any], Any]) -> Iterable[Any]:
    """Return converted values; counts and bounds, of which there are thousands, at once."""
    types = set(map(type, values))
    if convert is _integer and types <= {str, int}:
        return map(int, values)
    if convert is _number and types <= {float, int}:
        return values
    return map(convert, values)


@cache
def _fields(descriptor: Descriptor) -> dict[str, _Field]:
    found: dict[str, _Field] = {}
    for field in descriptor.fields:
        told = _Field(field.name, field.default_value == [], _converter(field))
        found[field.name] = found[field.json_name] = told
    return found


def _converter(field: FieldDescriptor) -> Callable[[Any], Any] | None:
    if field.type in _INTEGERS:
        return _integer
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return _number
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _hexadecimal if field.name in _HEX_FIELDS else _base64
    return {
        FieldDescriptor.TYPE_BOOL: _flag,
        FieldDescriptor.TYPE_ENUM: _enum,
        FieldDescriptor.TYPE_STRING: _text,
    }.get(field.type)


def _integer(value: Any) -> int:
    if type(value) is str:
        return int(value)
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise TypeError(f"{value!r:.40} is no integer")


def _number(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    if type(value) is str and (value in _NOT_NUMBERS or value[-1:].isdigit()):
        return float(value)
    raise TypeError(f"{value!r:.40} is no number")


def _flag(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise TypeError(f"{value!r:.40} is neither true nor false")


def _enum(value: Any) -> int:
    if type(value) is int:
        return value
    raise TypeError(f"{value!r:.40} is no number of an enum")


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise TypeError(f"{value!r:.40} is no text")


def _hexadecimal(value: Any) -> bytes:
    return bytes.fromhex(_text(value))


def _base64(value: Any) -> bytes:
    text = _text(value).replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
