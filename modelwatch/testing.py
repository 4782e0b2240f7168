"""Assertions for tests of services: training and serving make the same features.

In a test of any framework::

    from modelwatch.testing import assert_same_features

    def test_serving_features_are_those_of_training():
        assert_same_features(training_features, serving_features, pd.read_parquet("rows.parquet"))
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown, whole
from modelwatch.skew import SkewReport, Tolerance, audit
from modelwatch.tables.compact_columns import RawColumn
from modelwatch.tables.raw_columns import raw_columns

__all__ = ["assert_same_features"]

Rows = npt.NDArray[np.intp]
Serving = Callable[[dict[str, Any]], Any]

ROW: Final = "row"
"""The name of the key in reports: the place of a row in what was given."""


def assert_same_features(
    training: Callable[[Any], Any],
    serving: Serving | Callable[[dict[str, Any]], Awaitable[Any]],
    rows: Any,
    *,
    sample: int = 200,
    seed: int = 0,
    tolerance: Tolerance | None = None,
    features: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] = (),
    examples: int = 3,
) -> SkewReport:
    """Assert that training and serving make the same features of the same rows.

    Args:
        training: takes rows as they are given here, and returns features of each, in their order:
            a frame, a mapping of arrays, or a list of mappings.
        serving: takes one row as a mapping, and returns its features as a mapping, a dataclass or a
            pydantic model; it may be asynchronous.
        rows: a pandas or polars frame, a pyarrow table, or a list of mappings.
        sample: how many rows are asked about, 1 or more; all where there are fewer.
        seed: of the sample.
        tolerance: which numbers count as equal; None for `Tolerance()`.
        features: features to compare, `*` and `?` as wildcards; None for all.
        ignore: features to leave out, likewise.
        examples: unequal rows to tell of each feature.

    Returns:
        What was compared, where all is the same.

    Raises:
        AssertionError: where a feature differs, or only one side makes it, with the kinds of
            difference and examples.
        ConfigurationError: where there are no rows, or a function returns no features of them.

    >>> assert_same_features(
    ...     lambda rows: [{"km": row["m"] / 1000} for row in rows],
    ...     lambda row: {"km": row["m"]},
    ...     [{"m": float(m)} for m in range(1, 7)],
    ...     examples=1,
    ... )
    Traceback (most recent call last):
    AssertionError: Skew in 1 of 1 feature (6 rows compared)
      km: 6 rows unequal (100.0%)
        100.0% of them factor: served is 1000 times recomputed (thousands?)
        0: served 1, recomputed 0.001
    """
    chosen = _sampled(_row_count(rows), whole("sample", sample, 1), whole("seed", seed, 0))
    part = _at(rows, chosen)
    recomputed = _keyed("training", training(part), chosen)
    served = _keyed("serving", _served(serving, _mappings(part)), chosen)
    report = audit(
        served,
        recomputed,
        ROW,
        features=features,
        ignore=ignore,
        tolerance=tolerance,
        examples=examples,
    )
    if not report.is_clean:
        raise AssertionError(str(report))
    return report


def _row_count(rows: Any) -> int:
    count = int(rows.num_rows) if hasattr(rows, "num_rows") else len(rows)
    if isinstance(rows, Mapping) or not count:
        raise ConfigurationError(
            f"rows is {shown(rows) if count else 'empty'}: give a frame or a list of mappings, "
            "with one row or more."
        )
    return count


def _sampled(count: int, sample: int, seed: int) -> Rows:
    if count <= sample:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, sample, replace=False))


def _at(rows: Any, chosen: Rows) -> Any:
    """Return some rows in the form in which all were given."""
    if hasattr(rows, "iloc"):
        return rows.iloc[chosen]
    if hasattr(rows, "take"):
        return rows.take(chosen)
    if hasattr(rows, "get_columns"):
        return rows[chosen.tolist()]
    return [rows[place] for place in chosen.tolist()]


def _mappings(part: Any) -> list[dict[str, Any]]:
    if hasattr(part, "iloc"):
        return [dict(row) for row in part.to_dict(orient="records")]
    if hasattr(part, "to_pylist"):
        return list(part.to_pylist())
    if hasattr(part, "to_dicts"):
        return list(part.to_dicts())
    return [dict(row) for row in part]


def _served(serving: Callable[[dict[str, Any]], Any], rows: list[dict[str, Any]]) -> list[Any]:
    answers = [serving(row) for row in rows]
    if not any(inspect.isawaitable(answer) for answer in answers):
        return answers
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_awaited(answers))
    with ThreadPoolExecutor(1) as thread:  # a loop that runs cannot run another
        return thread.submit(_run, _awaited(answers)).result()


async def _awaited(answers: list[Any]) -> list[Any]:
    return [await answer if inspect.isawaitable(answer) else answer for answer in answers]


def _run(work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    return asyncio.run(work)


def _keyed(side: str, features: object, chosen: Rows) -> dict[str, RawColumn]:
    """Return features by name, with the place of each row."""
    columns = raw_columns(features)
    count = len(next(iter(columns.values()), ()))
    if count != chosen.size:
        raise ConfigurationError(
            f"{side} returned features of {count} rows for {chosen.size} rows: return one row of "
            "features for each row, in their order."
        )
    return {**columns, ROW: chosen}
