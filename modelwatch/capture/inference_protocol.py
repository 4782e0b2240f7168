"""Requests and responses of the Open Inference Protocol V2, as JSON and with binary tensors.

The protocol is specified by https://github.com/kserve/open-inference-protocol, binary tensors by
Triton's extension `binary_tensor_data`: the JSON header is followed by the tensors' bytes, little
endian and row by row, in the order in which the header names them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError
from modelwatch.parameter_checks import shown
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.fields import attributes_of

__all__ = ["InferenceTensors", "holds_tensors", "read_inference_request", "read_tensors"]

_DTYPES: Final = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_HALF: Final = "BF16"
"""The upper half of single precision, which numpy has no type for."""

_BYTES: Final = "BYTES"
"""Texts, each preceded by its length in four bytes where they are binary."""

_LENGTH: Final = struct.Struct("<I")

_JSON_TYPES: Final[Mapping[str, frozenset[type]]] = {
    "b": frozenset({bool}),
    "i": frozenset({int}),
    "u": frozenset({int}),
    "f": frozenset({int, float}),
}


class InferenceTensors(dict[str, RawColumn]):
    """The tensors of a request or response by name: arrays of their shape, or lists of texts."""


def read_inference_request(
    body: bytes | bytearray | memoryview | str, header_length: int | None = None
) -> InferenceTensors:
    """Read the body of an inference request, so that it can be logged or predicted from.

    Arrays are views of the body's memory; what captures them copies them.

    Args:
        body: of the HTTP request.
        header_length: the number that the HTTP header ``Inference-Header-Content-Length`` gives:
            bytes of JSON at the start of the body, followed by binary tensors. None where the whole
            body is JSON.

    Returns:
        The input tensors by name, which a watch takes as features: one column a tensor of shape
        (n,) or (n, 1); or of a single one of shape (n, k) the model's k features in order.

    Raises:
        DataError: where it is no such request; the message says what is wrong.

    >>> body = b'{"inputs": [{"name": "age", "shape": [2], "datatype": "INT64", "data": [3, 4]}]}'
    >>> read_inference_request(body)["age"].tolist()
    [3, 4]
    """
    content = memoryview(body.encode() if isinstance(body, str) else body).cast("B")
    size = len(content) if header_length is None else header_length
    if type(size) is not int or not 0 <= size <= len(content):
        raise DataError(
            f"header_length is {shown(header_length)}: give the length of the JSON, of the "
            f"{len(content)} bytes of the body, or None."
        )
    try:
        header = json.loads(bytes(content[:size]))
    except (ValueError, RecursionError) as error:
        raise DataError(f"the inference request is no JSON: {error}.") from None
    if not isinstance(header, Mapping):
        raise DataError(f"the inference request is {shown(header)}: give an object with inputs.")
    return read_tensors(header, "inputs", content[size:])


def holds_tensors(fields: Mapping[Any, Any], key: str) -> bool:
    """Tell whether a row's or result's fields are a request or response of the protocol.

    Args:
        fields: by name.
        key: under which its tensors are: "inputs" or "outputs".
    """
    tensors = fields.get(key)
    if not isinstance(tensors, (list, tuple)) or not tensors:
        return False
    described = [attributes_of(tensor) for tensor in tensors]
    return all(
        tensor is not None and all(name in tensor for name in ("name", "shape", "datatype"))
        for tensor in described
    )


def read_tensors(
    document: Mapping[Any, Any], key: str, binary: memoryview | None = None
) -> InferenceTensors:
    """Read the tensors of a request or response that was parsed from JSON.

    Args:
        document: the request or response.
        key: "inputs" or "outputs".
        binary: what follows the JSON.

    Raises:
        DataError: where a tensor is not as the protocol has it.
    """
    tensors = document.get(key)
    if not isinstance(tensors, (list, tuple)) or not tensors:
        raise DataError(f"the inference request has {shown(tensors)} as {key}: give its tensors.")
    rest = binary if binary is not None else memoryview(b"")
    found = InferenceTensors()
    for place, item in enumerate(tensors):
        tensor = attributes_of(item)
        if tensor is None:
            raise DataError(f"{key}[{place}] is {shown(item)}: give a tensor, which is an object.")
        name = tensor.get("name")
        if not isinstance(name, str) or not name or name in found:
            raise DataError(f"{key}[{place}] is named {shown(name)}: give each a name of its own.")
        found[name], rest = _read(name, tensor, rest)
    if len(rest):
        raise DataError(f"{len(rest)} bytes after the JSON belong to no tensor.")
    return found


def _read(name: str, tensor: Mapping[Any, Any], binary: memoryview) -> tuple[RawColumn, memoryview]:
    """Return a tensor's values, and the bytes that follow those it took."""
    shape, datatype = _shape(name, tensor.get("shape")), tensor.get("datatype")
    if datatype not in (*_DTYPES, _HALF, _BYTES):
        known = ", ".join((*_DTYPES, _HALF, _BYTES))
        raise DataError(f"tensor {name!r} has datatype {shown(datatype)}: give one of {known}.")
    size = (attributes_of(tensor.get("parameters")) or {}).get("binary_data_size")
    data = tensor.get("data")
    if size is None:
        if data is None:
            raise DataError(f"tensor {name!r} has neither data nor a binary_data_size.")
        return _of_json(name, getattr(data, "root", data), datatype, shape), binary
    if type(size) is not int or not 0 <= size <= len(binary):
        raise DataError(
            f"tensor {name!r} has a binary_data_size of {shown(size)}, and {len(binary)} bytes "
            "follow: give header_length, and a body with all of them."
        )
    return _of_bytes(name, binary[:size], datatype, shape), binary[size:]


def _shape(name: str, shape: object) -> tuple[int, ...]:
    if isinstance(shape, (list, tuple)) and all(type(size) is int and size >= 0 for size in shape):
        return tuple(shape)
    raise DataError(f"tensor {name!r} has shape {shown(shape)}: give a list of whole numbers.")


def _of_json(name: str, data: Any, datatype: str, shape: tuple[int, ...]) -> RawColumn:
    if hasattr(data, "tolist"):
        data = data.tolist()
    if not _is_list(data):
        raise DataError(f"tensor {name!r} has {shown(data)} as data: give a list.")
    items = _flat(name, data, shape)
    if datatype == _BYTES:
        return _texts(name, items, shape)
    dtype = np.dtype(_DTYPES.get(datatype, "<f4"))
    kinds = set(map(type, items))
    if type(None) in kinds and dtype.kind == "f" and len(items) == max(shape, default=1):
        return items
    if not kinds <= _JSON_TYPES[dtype.kind]:
        odd = next(iter(kinds - _JSON_TYPES[dtype.kind]))
        raise DataError(f"tensor {name!r} of {datatype} holds a {odd.__name__}.")
    try:
        array = np.array(items, dtype=dtype)
    except OverflowError:
        raise DataError(f"tensor {name!r} holds a number out of the range of {datatype}.") from None
    return _shaped(name, array, shape)


def _shaped(name: str, array: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    try:
        return array.reshape(shape)
    except ValueError:  # a shape without items whose other sizes are beyond all memory
        raise DataError(f"tensor {name!r} has shape {list(shape)}, which is too large.") from None


def _flat(name: str, data: Sequence[Any], shape: tuple[int, ...]) -> list[Any]:
    """Return the items of flat or nested lists, row by row."""
    items = list(data)
    for inner in shape[1:]:
        if not items or not all(_is_list(row) and len(row) == inner for row in items):
            break
        items = list(chain.from_iterable(items))
    if len(items) != prod(shape) or any(map(_is_list, items)):
        raise DataError(
            f"tensor {name!r} has {len(items)} items in its data, and shape {list(shape)} has "
            f"{prod(shape)}."
        )
    return items


def _is_list(item: object) -> bool:
    return isinstance(item, (list, tuple))


def _of_bytes(name: str, content: memoryview, datatype: str, shape: tuple[int, ...]) -> RawColumn:
    if datatype == _BYTES:
        return _texts(name, _split(name, content, prod(shape)), shape)
    dtype = np.dtype("<u2" if datatype == _HALF else _DTYPES[datatype])
    if len(content) != prod(shape) * dtype.itemsize:
        raise DataError(
            f"tensor {name!r} of {datatype} and shape {list(shape)} has {len(content)} bytes: it "
            f"takes {prod(shape) * dtype.itemsize}."
        )
    array = _shaped(name, np.frombuffer(content, dtype=dtype), shape)
    return array if datatype != _HALF else _widened(array)


def _widened(halves: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return (halves.astype("<u4") << 16).view("<f4")


def _split(name: str, content: memoryview, count: int) -> list[bytes]:
    """Return the texts of a binary tensor, each preceded by its length."""
    found: list[bytes] = []
    at = 0
    while at + _LENGTH.size <= len(content) and len(found) < count:
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if at + length > len(content):
            break
        found.append(bytes(content[at : at + length]))
        at += length
    if len(found) != count or at != len(content):
        raise DataError(
            f"tensor {name!r} of BYTES has {len(content)} bytes, which are not {count} texts with "
            "their lengths."
        )
    return found


def _texts(name: str, items: Sequence[Any], shape: tuple[int, ...]) -> RawColumn:
    """Return texts, as bytes where they are no UTF-8: as a list, or an array of the shape."""
    texts = [_text(item) for item in items]
    if len(texts) == max(shape, default=1):
        return texts
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return _shaped(name, array, shape)


def _text(item: Any) -> Any:
    if not isinstance(item, bytes):
        return item
    try:
        return item.decode()
    except UnicodeDecodeError:
        return item
