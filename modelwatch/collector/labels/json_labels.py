"""Labels in JSON: one object, a list of them, or one a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.label_chunk import LabelChunk
from modelwatch.collector.labels.line_buffer import LineBuffer
from modelwatch.collector.quick_json import from_json
from modelwatch.errors import DataError

__all__ = ["JsonLabels", "NdjsonLabels"]

_EXAMPLE: Final = '{"prediction_id": "0199...", "label": true}'
_NOT_GIVEN: Final = object()


class NdjsonLabels:
    r"""Reads one object a line; empty lines are passed over. Not thread-safe.

    Args:
        names: of the members.
        model: of rows that name none.

    >>> reader = NdjsonLabels(model="churn")
    >>> reader.feed(b'{"prediction_id": "a", "label": 1}\n{"predic').rows
    [Row(line=1, model='churn', prediction_id='a', label=1, time_ns=0)]
    """

    def __init__(self, names: ColumnNames | None = None, *, model: str = "") -> None:
        self._names = names or ColumnNames()
        self._model = model
        self._lines = LineBuffer()
        self._read = 0

    def feed(self, content: bytes, *, is_last: bool = False) -> LabelChunk:
        """Return the labels of the lines that a part completes; see `LabelReader.feed`."""
        chunk = LabelChunk()
        lines = self._lines.cut(content, is_last=is_last).split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        stripped = [line.strip() for line in lines]
        objects = _read_at_once(stripped)
        for place, text in enumerate(stripped):
            line = self._read + place + 1
            if objects is not None:
                self._add(chunk, line, objects[place])
            elif text:
                self._add_text(chunk, line, text)
        self._read += len(lines)
        chunk.require_texts()
        return chunk

    def _add_text(self, chunk: LabelChunk, line: int, text: bytes) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = str(error).partition("\n")[0]
            chunk.refuse(line, f"no JSON ({reason:.100})", f"write {_EXAMPLE}")
            return
        self._add(chunk, line, found)

    def _add(self, chunk: LabelChunk, line: int, found: Any) -> None:
        _add_object(chunk, line, found, self._names, self._model)


class JsonLabels:
    """Reads a text in JSON as a whole, once it is there. Not thread-safe.

    It holds one object, a list of objects, or an object of ``model`` and a list ``labels``.

    Args:
        names: of the members.
        model: of objects that name none.
        most_bytes: longest text that is read.

    >>> JsonLabels(model="churn", most_bytes=100).feed(
    ...     b'[{"prediction_id": "a", "label": 1}, {"prediction_id": "b"}]', is_last=True
    ... ).shown[0].line
    2
    """

    def __init__(
        self, names: ColumnNames | None = None, *, model: str = "", most_bytes: int
    ) -> None:
        self._names = names or ColumnNames()
        self._model = model
        self._most_bytes = most_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, content: bytes, *, is_last: bool = False) -> LabelChunk:
        """Return all labels with the last part; see `LabelReader.feed`."""
        self._size += len(content)
        if self._size > self._most_bytes:
            raise DataError(
                f"the JSON is longer than {self._most_bytes} bytes: write one object a line and "
                "send it as application/x-ndjson, which may be longer."
            )
        self._parts.append(content)
        chunk = LabelChunk()
        if is_last:
            objects, model = self._objects(b"".join(self._parts))
            for place, found in enumerate(objects, start=1):
                _add_object(chunk, place, found, self._names, model)
            chunk.require_texts()
        return chunk

    def _objects(self, content: bytes) -> tuple[Sequence[Any], str]:
        try:
            found = from_json(content)
        except (ValueError, RecursionError) as error:
            reason = str(error).partition("\n")[0]
            lines = " (one object a line is application/x-ndjson)" * ("Extra data" in reason)
            raise DataError(f"the labels are no JSON: {reason:.200}{lines}.") from error
        if isinstance(found, list):
            return found, self._model
        if isinstance(found, dict) and isinstance(found.get("labels"), list):
            model = found.get("model")
            return found["labels"], model if isinstance(model, str) and model else self._model
        return [found], self._model


def _read_at_once(lines: Sequence[bytes]) -> Sequence[Any] | None:
    """Return what all lines hold, in a third of the time that it takes to read them one by one.

    None where that has to be done, as one of them may be no object.
    """
    if not all(line.startswith(b"{") and line.endswith(b"}") for line in lines):
        return None
    try:
        found = from_json(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        return None
    return found if len(found) == len(lines) else None


def _add_object(chunk: LabelChunk, line: int, found: Any, names: ColumnNames, model: str) -> None:
    if not isinstance(found, dict):
        chunk.refuse(line, f"{type(found).__name__} in place of an object", f"write {_EXAMPLE}")
        return
    label = found.get(names.label, _NOT_GIVEN)
    if label is _NOT_GIVEN:
        remedy = f"write {_EXAMPLE}; null takes a label back"
        chunk.refuse(line, f"no member {names.label!r}"[:100], remedy)
        return
    time = found.get(names.time) if names.time else None
    chunk.add(line, found.get("model") or model, found.get(names.id), label, time)
