"""A store as lines of JSON, and back: what another program reads, or another store takes.

The first line says what the file is; each other line is one document, of a kind that it names. What
was observed is written as profiles, one a merged row, with what is not merged yet as one a sender.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from modelwatch import document
from modelwatch.collector.outcomes.moving import outcome_documents
from modelwatch.collector.storing.maintenance import opened
from modelwatch.collector.storing.packing import unpack
from modelwatch.collector.storing.row_profiles import profiles_in_rows
from modelwatch.errors import FormatError, StoreError
from modelwatch.profile import Profile

__all__ = ["FORMAT", "FORMAT_VERSION", "export_store", "read_lines"]

FORMAT: Final = "modelwatch.store"
FORMAT_VERSION: Final = 1

_VERSIONS = """
SELECT id, model, version, row_count, first_seen_ns, last_seen_ns, merged_through FROM versions
"""
_BASELINES = "SELECT id, pushed_ns, content FROM baselines WHERE version_id = ? ORDER BY number"
_STEERING = "SELECT put_ns, content FROM steering WHERE version_id = ?"
_EVALUATIONS = """
SELECT baseline_id, start_ns, end_ns, evaluated_ns, report FROM evaluations
WHERE version_id = ? ORDER BY end_ns
"""

_EXAMPLES = """
SELECT kind, name, at_ns, trace_id, span_id FROM trace_examples WHERE version_id = ? ORDER BY at_ns
"""

Body = dict[str, Any]


def export_store(path: Path, target: Path) -> Counter[str]:
    """Write a store's documents; a collector may have it open.

    Args:
        path: the store.
        target: a new file; compressed where its name ends in .gz.

    Returns:
        How many documents of each kind were written, and how many rows were ``damaged``.

    Raises:
        StoreError: the store cannot be read, or the target is there already or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} is there already: give the name of a new file.")
    counts: Counter[str] = Counter()
    try:
        with opened(path, "ro") as connection, _writing(target) as lines:
            connection.execute("BEGIN")  # one moment of the file, whatever is written meanwhile
            lines.write(document.dump(FORMAT, FORMAT_VERSION, {}) + "\n")
            for kind, body in _documents(connection, counts):
                counts[kind] += 1
                lines.write(json.dumps({"kind": kind, **body}, separators=(",", ":")) + "\n")
    except OSError as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"{target} cannot be written: {error.strerror}.") from error
    except StoreError:
        target.unlink(missing_ok=True)
        raise
    return counts


def read_lines(source: Path) -> Iterator[Body]:
    """Yield the documents of an exported file, in order.

    Raises:
        StoreError: the file cannot be read, or is no export of a store.
    """
    read = 0
    try:
        with _reading(source) as lines:
            document.load(next(lines, ""), FORMAT, FORMAT_VERSION, where=f"{source}")
            for line in lines:
                read += 1
                body = json.loads(line)
                if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
                    raise FormatError("it names no kind")
                yield body
    except OSError as error:
        raise StoreError(f"{source} cannot be read: {error.strerror or error}.") from error
    except (EOFError, ValueError) as error:
        raise StoreError(f"{source} is no exported store, line {read + 1}: {error}") from error


def _documents(connection: sqlite3.Connection, counts: Counter[str]) -> Iterator[tuple[str, Body]]:
    """Yield all documents, and count rows that cannot be read."""
    for number, model, version, rows, first, last, through in connection.execute(_VERSIONS):
        named = {"model": model, "version": version}
        seen = {"rows": rows, "first_seen_ns": first, "last_seen_ns": last}
        yield "version", {**named, **seen}
        for baseline_id, pushed_ns, content in connection.execute(_BASELINES, (number,)):
            told = {"id": baseline_id, "pushed_ns": pushed_ns}
            yield "baseline", {**named, **told, "content": json.loads(unpack(content))}
        for put_ns, content in connection.execute(_STEERING, (number,)):
            yield "steering", {**named, "put_ns": put_ns, "content": json.loads(content)}
        for profile in profiles_in_rows(connection, (model, version), (number, through)):
            if isinstance(profile, Profile):
                yield "profile", {"content": json.loads(profile.to_json())}
            else:
                counts["damaged"] += 1
        for baseline_id, start, end, evaluated_ns, report in connection.execute(
            _EVALUATIONS, (number,)
        ):
            told = {"baseline_id": baseline_id, "start_ns": start, "end_ns": end}
            told["evaluated_ns"] = evaluated_ns
            yield "evaluation", {**named, **told, "report": json.loads(unpack(report))}
        for about, name, at_ns, trace_id, span_id in connection.execute(_EXAMPLES, (number,)):
            told = {"about": about, "name": name, "at_ns": at_ns}
            traced = {"trace_id": trace_id.hex(), "span_id": span_id.hex()}
            yield "trace_example", {**named, **told, **traced}
    yield from outcome_documents(connection)


def _writing(target: Path) -> TextIO:
    if target.suffix == ".gz":
        return gzip.open(target, "xt", encoding="utf-8", compresslevel=6)
    return target.open("x", encoding="utf-8")


def _reading(source: Path) -> TextIO:
    if source.suffix == ".gz":
        return gzip.open(source, "rt", encoding="utf-8")
    return source.open(encoding="utf-8")
