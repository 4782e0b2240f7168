"""Labels in the body of a request, read while it comes, in bounded memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from modelwatch.collector.labels.csv_labels import CsvLabels
from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.json_labels import JsonLabels, NdjsonLabels
from modelwatch.collector.labels.label_chunk import LabelChunk, LabelReader
from modelwatch.collector.labels.table_labels import check_table, table_labels
from modelwatch.collector.receiving.bodies import ENCODINGS
from modelwatch.collector.receiving.request_head import RequestHead
from modelwatch.collector.receiving.unpacking import PART_BYTES, Unpacker
from modelwatch.collector.serving.problems import Problem
from modelwatch.errors import BodyTooLarge, DataError, UndecodableTelemetry

__all__ = ["CSV", "JSON", "LABEL_TYPES", "NDJSON", "PARQUET", "SentLabels", "SentLimits"]

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
PARQUET: Final = "application/vnd.apache.parquet"
LABEL_TYPES: Final = (JSON, NDJSON, CSV, PARQUET)

_MEBIBYTE: Final = 1_048_576
_SMALL_BYTES: Final = 4_096
"""A part up to this is read in the event loop: to hand it to a thread would take as long."""


@dataclass(frozen=True, kw_only=True)
class SentLimits:
    """What bounds a request with labels.

    Attributes:
        most_bytes: most bytes of a body as sent.
        most_unpacked_bytes: most bytes of it decompressed.
        most_lines: most lines of one in NDJSON or CSV, empty ones too.
        most_json_bytes: most bytes of one in JSON, which is read as a whole.
        most_table_bytes: most bytes of one in Parquet, which is written to a temporary file.
        most_group_bytes: most bytes of one group of its rows, in memory.
        part_seconds: how long the client may pause.
        total_seconds: how long it may pause in all.
    """

    most_bytes: int = 256 * _MEBIBYTE
    most_unpacked_bytes: int = 512 * _MEBIBYTE
    most_lines: int = 5_000_000
    most_json_bytes: int = 4 * _MEBIBYTE
    most_table_bytes: int = 64 * _MEBIBYTE
    most_group_bytes: int = 256 * _MEBIBYTE
    part_seconds: float = 10.0
    total_seconds: float = 600.0


class SentLabels:
    """The labels of one request. Belongs to one event loop.

    Args:
        request: not read yet.
        names: of columns and members.
        model: of rows that name none.
        limits: what bounds it.
        tables: taken while a table is read, each of which may need much memory.

    Raises:
        Problem: 400 or 415, where its headers or parameters do not tell how it is to be read.
    """

    def __init__(
        self,
        request: Request,
        names: ColumnNames,
        model: str,
        limits: SentLimits,
        *,
        tables: asyncio.Semaphore,
    ) -> None:
        self._tables = tables
        self._head = head = RequestHead.of(request.scope)
        self._request = request
        self._names = names
        self._model = model
        self._limits = limits
        if head.media_type not in LABEL_TYPES:
            raise _unsupported(f"content type {head.media_type!r:.100}", ", ".join(LABEL_TYPES))
        if head.encoding not in ENCODINGS:
            raise _unsupported(f"content encoding {head.encoding!r:.100}", ", ".join(ENCODINGS))
        if head.media_type in (CSV, PARQUET) and not model:
            raise Problem(
                400, "no-model", f"of which model the labels are is not told: add ?model=NAME to a "
                f"request of {head.media_type}.",
            )  # fmt: skip

    async def chunks(self) -> AsyncGenerator[LabelChunk]:
        """Yield labels in the order of the body.

        Raises:
            Problem: 400, 408, 413 or 415; what was yielded before it is right all the same.
        """
        try:
            if self._head.media_type == PARQUET:
                async with aclosing(self._of_table()) as found:
                    async for chunk in found:
                        yield chunk
                return
            reader = self._reader()
            lines = 0
            async for part in self._parts():
                lines += part.count(b"\n")
                if lines > self._limits.most_lines:
                    raise BodyTooLarge(
                        f"the body has more than {self._limits.most_lines} lines: send the labels "
                        "in several."
                    )
                yield await _fed(reader, part)
            yield await _fed(reader, b"", is_last=True)
        except BodyTooLarge as error:
            raise Problem(413, "labels-too-large", str(error)) from error
        except TimeoutError as error:
            raise Problem(408, "labels-too-slow", str(error)) from error
        except ClientDisconnect as error:
            raise Problem(
                400, "damaged-labels", "the labels were not sent to their end."
            ) from error
        except (DataError, UndecodableTelemetry) as error:
            raise Problem(400, "damaged-labels", str(error)) from error

    def _reader(self) -> LabelReader:
        if self._head.media_type == CSV:
            return CsvLabels(self._names, model=self._model)
        if self._head.media_type == NDJSON:
            return NdjsonLabels(self._names, model=self._model)
        return JsonLabels(self._names, model=self._model, most_bytes=self._limits.most_json_bytes)

    async def _of_table(self) -> AsyncGenerator[LabelChunk]:
        with tempfile.TemporaryDirectory(prefix="modelwatch-labels-") as folder:
            path = Path(folder, "labels.parquet")
            async for part in self._parts():
                await asyncio.to_thread(_append, path, part)
            try:
                async with self._tables:
                    most_bytes = self._limits.most_group_bytes
                    await asyncio.to_thread(check_table, path, most_bytes=most_bytes)
                    found = table_labels(path, self._names, model=self._model)
                    while (some := await asyncio.to_thread(_next_of, found)) is not None:
                        yield some[0]
            except DataError as error:
                told = str(error).replace(str(path), "the body")
                if "needs pyarrow" in told:
                    raise Problem(
                        415,
                        "unsupported-media-type",
                        f"{told} where the collector runs, or send {NDJSON} or {CSV}.",
                    ) from error
                raise DataError(told) from error

    async def _parts(self) -> AsyncIterator[bytes]:
        """Yield the body, decompressed, in parts of `PART_BYTES` or less."""
        limits = self._limits
        is_table = self._head.media_type == PARQUET
        unpacked = limits.most_table_bytes if is_table else limits.most_unpacked_bytes
        unpacker = Unpacker(self._head.encoding, limit=unpacked)
        async for sent in self._sent():
            for part in unpacker.feed(sent):
                yield part
        unpacker.finish()

    async def _sent(self) -> AsyncIterator[bytes]:
        """Yield the body as sent, a few parts of the connection at a time."""
        limits = self._limits
        if self._head.length.isdecimal() and int(self._head.length) > limits.most_bytes:
            raise _too_large(limits.most_bytes)
        left_seconds, size = limits.total_seconds, 0
        held: list[bytes] = []
        more = True
        loop = asyncio.get_running_loop()
        while more:
            begun = loop.time()
            try:
                async with asyncio.timeout(min(limits.part_seconds, left_seconds)):
                    message = await self._request.receive()
            except TimeoutError:
                raise TimeoutError(
                    "the labels came too slowly: send them again, in smaller requests."
                ) from None
            left_seconds -= loop.time() - begun
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            if size > limits.most_bytes:
                raise _too_large(limits.most_bytes)
            held.append(part)
            if not more or sum(map(len, held)) >= PART_BYTES:
                yield b"".join(held)
                held.clear()


async def _fed(reader: LabelReader, part: bytes, *, is_last: bool = False) -> LabelChunk:
    feed: Callable[..., LabelChunk] = reader.feed
    if len(part) <= _SMALL_BYTES:
        return feed(part, is_last=is_last)
    return await asyncio.to_thread(feed, part, is_last=is_last)


def _next_of(found: Iterator[tuple[LabelChunk, float]]) -> tuple[LabelChunk, float] | None:
    return next(found, None)


def _append(path: Path, part: bytes) -> None:
    with path.open("ab") as file:
        file.write(part)


def _unsupported(what: str, remedy: str) -> Problem:
    return Problem(415, "unsupported-media-type", f"{what} is not taken: send {remedy}.")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {limit} bytes: send the labels in several.")
