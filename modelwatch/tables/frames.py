"""Columns of data frames as raw columns, without one Python object a row where it can be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError
from modelwatch.tables.compact_columns import CodedColumn, MaskedColumn

__all__ = ["RawFrameColumn", "column_names", "columns_of_frame"]

RawFrameColumn = list[Any] | npt.NDArray[Any] | CodedColumn | MaskedColumn


def column_names(data: Any) -> list[Any]:
    """Return the names of a frame's columns as they are, doubled ones and all."""
    return list(getattr(data, "column_names", getattr(data, "columns", ())))


def columns_of_frame(data: Any) -> dict[str, RawFrameColumn]:
    """Return a frame's columns by name; nulls stay apart from NaN where the frame does so.

    Args:
        data: a pandas or polars frame, a pyarrow table or record batch; column names are texts,
            none of them twice.

    Raises:
        DataError: where it is none of these.
    """
    import narwhals.stable.v2 as nw

    if type(data).__name__ == "RecordBatch":
        return columns_of_frame(sys.modules["pyarrow"].Table.from_batches([data]))
    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError:
        raise DataError(
            f"cannot read a {type(data).__name__}: give a pandas or polars frame, a pyarrow table, "
            "a mapping of arrays or a list of mappings."
        ) from None
    if frame.implementation.is_pandas():
        return {name: _of_pandas(name, series, frame) for name, series in data.items()}
    return {full: _raw(series) for name in frame.columns for full, series in _unnested(frame[name])}


def _of_pandas(name: str, series: Any, frame: Any) -> RawFrameColumn:
    """Return a column as numpy has it, without what other libraries need to be asked."""
    return _of_numpy(series) if isinstance(series.dtype, np.dtype) else _raw(frame[name])


def _unnested(series: Any) -> Iterator[tuple[str, Any]]:
    """Yield a column, or those of its fields under dotted names."""
    if str(series.dtype).partition("(")[0] != "Struct":
        yield series.name, series
        return
    for field in series.dtype.fields:
        inner = series.struct.field(field.name)
        for name, found in _unnested(inner.alias(field.name)):
            yield f"{series.name}.{name}", found


def _raw(series: Any) -> RawFrameColumn:
    dtype = str(series.dtype).partition("(")[0]
    native = series.to_native()
    if isinstance(getattr(native, "dtype", None), np.dtype):  # as pandas has it: NaN is no null
        return _of_numpy(native)
    if dtype in {"String", "Categorical", "Enum"}:
        return _coded(series, native)
    if dtype == "Boolean":
        codes = _filled(series, False).astype(np.int8)
        codes[_nulls(series)] = -1
        return CodedColumn([False, True], codes)
    if dtype in {"Datetime", "Date"}:
        return _times(series)
    if dtype == "Duration":
        return _masked(series.dt.total_microseconds(), "m8[us]")
    if series.dtype.is_numeric():
        if series.dtype.is_decimal() or dtype in {"Int128", "UInt128"}:
            import narwhals.stable.v2 as nw

            series = series.cast(nw.Float64)
        return _masked(series)
    return list(series.to_list())


def _of_numpy(native: Any) -> RawFrameColumn:
    values = np.asarray(native.to_numpy())
    if values.dtype.kind == "b":
        return CodedColumn([False, True], values.astype(np.int8))
    if values.dtype.kind in "fiu":
        return values
    if values.dtype.kind in "Mm":
        return MaskedColumn(values, np.isnat(values))
    return list(native.tolist())


def _times(series: Any) -> MaskedColumn | npt.NDArray[Any]:
    """Return times as such, in UTC where they have a zone."""
    if getattr(series.dtype, "time_zone", None):
        series = series.dt.convert_time_zone("UTC")
    return _masked(series.dt.timestamp("us"), "M8[us]")


def _masked(series: Any, dtype: str | None = None) -> MaskedColumn | npt.NDArray[Any]:
    nulls = _nulls(series)
    if not nulls.any():
        values = np.asarray(series.to_numpy())
        return values if dtype is None else values.astype(np.int64).view(dtype)
    values = _filled(series, 0)
    return MaskedColumn(values if dtype is None else values.astype(np.int64).view(dtype), nulls)


def _filled(series: Any, value: Any) -> npt.NDArray[Any]:
    return np.array(series.fill_null(value).to_numpy())


def _nulls(series: Any) -> npt.NDArray[np.bool_]:
    if not series.null_count():
        return np.zeros(len(series), dtype=bool)
    return np.asarray(series.is_null().to_numpy(), dtype=bool)


def _coded(series: Any, native: Any) -> RawFrameColumn:
    """Return texts and categories by their distinct values, with the frame's own means."""
    implementation = series.implementation
    if implementation.is_polars():
        return _coded_polars(native)
    if implementation.is_pyarrow():
        return _coded_arrow(native)
    if implementation.is_pandas():
        return _coded_pandas(native)
    return list(series.to_list())


def _coded_polars(series: Any) -> CodedColumn:
    import polars as pl

    texts = series.cast(pl.String)
    distinct = texts.drop_nulls().unique(maintain_order=True)
    codes = texts.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).fill_null(-1)
    return CodedColumn(distinct.to_list(), codes.to_numpy())


def _coded_arrow(column: Any) -> CodedColumn:
    import pyarrow as pa

    is_shared = pa.types.is_dictionary(column.type)
    if is_shared and sum(len(chunk.dictionary) for chunk in column.chunks) > len(column):
        # A part of a column, that shares the values of the whole: to list them takes longer.
        column, is_shared = column.cast(column.type.value_type), False
    if not is_shared:
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks)
    indices = whole.indices
    if indices.null_count or not pa.types.is_signed_integer(indices.type):
        indices = indices.cast(pa.int64()).fill_null(-1)
    codes = indices.to_numpy(zero_copy_only=False)
    return _without_null_values(whole.dictionary.to_pylist(), codes, is_own=not is_shared)


def _coded_pandas(series: Any) -> CodedColumn:
    if hasattr(series, "cat"):
        values, codes = series.cat.categories.tolist(), series.cat.codes.to_numpy()
    elif _is_of_arrow(series):
        import pyarrow as pa

        found = pa.array(series.array)
        is_whole = isinstance(found, pa.Array)
        return _coded_arrow(pa.chunked_array([found]) if is_whole else found)
    else:
        codes, distinct = series.factorize()
        values = distinct.tolist()
    return _without_null_values(values, np.asarray(codes))


def _is_of_arrow(series: Any) -> bool:
    """Tell whether pandas has a column's values in arrow's memory."""
    arrays = sys.modules["pandas"].arrays
    return isinstance(series.array, arrays.ArrowExtensionArray)


def _without_null_values(
    values: list[Any], codes: npt.NDArray[np.signedinteger[Any]], *, is_own: bool = False
) -> CodedColumn:
    """Let rows whose value is the null among the distinct ones be null."""
    if None in values:
        codes = np.where(codes == values.index(None), -1, codes)
    return CodedColumn(values, codes, is_own=is_own)
