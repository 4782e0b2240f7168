"""Tables in batches: all rows once, in their order, whatever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwatch.errors import DataError, SchemaError
from modelwatch.tables.batches import Batches, Steps, load_batches

FRAME = pl.DataFrame({"x": np.arange(1_000.0), "c": ["a", "b", None, "a"] * 250})


def saved(folder: Path, suffix: str) -> Path:
    """Write the frame to a file of several groups of rows."""
    path = folder / f"data{suffix}"
    if suffix == ".parquet":
        FRAME.write_parquet(path, row_group_size=300)
    elif suffix == ".csv":
        FRAME.write_csv(path)
    elif suffix == ".feather":  # the stream form of an Arrow file
        with pa.ipc.new_stream(str(path), FRAME.to_arrow().schema) as sink:
            sink.write_table(FRAME.to_arrow(), max_chunksize=300)
    else:
        FRAME.write_ipc(path, record_batch_size=300)
    return path


def parts() -> Iterator[pl.DataFrame]:
    """Make frames of the rows one after the other."""
    return FRAME.iter_slices(170)


SOURCES: dict[str, Callable[[Path], object]] = {
    "polars": lambda folder: FRAME,
    "pandas": lambda folder: FRAME.to_pandas(),
    "arrow": lambda folder: FRAME.to_arrow(),
    "mapping": lambda folder: FRAME.to_dict(as_series=False),
    "rows": lambda folder: FRAME.to_dicts(),
    "parquet": lambda folder: saved(folder, ".parquet"),
    "csv": lambda folder: str(saved(folder, ".csv")),
    "arrow file": lambda folder: saved(folder, ".arrow"),
    "arrow stream": lambda folder: saved(folder, ".feather"),
    "list of frames": lambda folder: list(parts()),
    "iterator": lambda folder: parts(),
    "function": lambda folder: parts,
    "arrow reader": lambda folder: pa.RecordBatchReader.from_batches(
        FRAME.to_arrow().schema, FRAME.to_arrow().to_batches(max_chunksize=130)
    ),
}


def rows_of(batches: Batches) -> dict[str, list[Any]]:
    """Return all rows as lists."""
    found: dict[str, list[Any]] = {"x": [], "c": []}
    for batch in batches.read(lambda share: None):
        assert 0 < batch.rows <= 64
        for name, values in batch.columns.items():
            assert len(values) == batch.rows
            found[name] += list(values)
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_all_rows(name: str, tmp_path: Path) -> None:
    """Batches of at most so many rows hold each row once, in order, as often as they are read."""
    batches = load_batches(SOURCES[name](tmp_path), 64)
    expected = FRAME.to_dict(as_series=False)
    assert rows_of(batches) == expected
    assert batches.repeatable == (name not in ("iterator", "arrow reader"))
    if batches.repeatable:
        assert rows_of(batches) == expected


@pytest.mark.parametrize("name", ["polars", "parquet", "csv", "arrow file", "arrow stream"])
def test_the_share_read_grows_to_one(name: str, tmp_path: Path) -> None:
    """Progress is told where the whole is known."""
    shares: list[float] = []
    for _ in load_batches(SOURCES[name](tmp_path), 64).read(shares.append):
        pass
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.05)


def test_steps_never_go_back() -> None:
    """A step that is taken again tells no less than was told before."""
    told: list[float] = []
    steps = Steps(told.append, 2)
    first = steps.start()
    for share in (0.5, 1.0, 0.2):
        first(share)
    steps.start()(1.0)
    assert told == [0.25, 0.5, 0.5, 1.0]


@pytest.mark.parametrize("data", [3, [1, 2], object()])
def test_what_is_no_table_is_refused(data: object) -> None:
    """The message says what can be given instead."""
    with pytest.raises(DataError, match="give"):
        load_batches(data)


def test_a_table_in_a_stream_must_be_one() -> None:
    """What an iterator yields is checked like any table."""
    with pytest.raises(SchemaError, match="differ in length"):
        list(load_batches(iter([{"a": [1], "b": [1, 2]}])).read(lambda share: None))


def test_empty_tables_are_passed_over() -> None:
    """A part without rows gives no batch."""
    empty = pd.DataFrame({"x": []})
    batches = load_batches([empty, pd.DataFrame({"x": [1.0]}), empty])
    assert [batch.rows for batch in batches.read(lambda share: None)] == [1]
