"""A report as a data frame, one row a feature."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import fields
from typing import Any, Literal

from modelwatch.errors import ConfigurationError
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift

__all__ = ["Backend", "report_frame"]

Backend = Literal["pandas", "polars"]
_BACKENDS: tuple[Backend, ...] = ("pandas", "polars")


def report_frame(report: DriftReport, backend: Backend | None = None) -> Any:
    """Return the findings as a pandas or polars frame, worst feature first.

    Beside the fields of `FeatureDrift`, but for its traces and since when it holds, there is the
    p-value of each test, as in `p_ks`, and both ends of each interval, as in `psi_lower` and
    `psi_upper`. What is unknown is NaN in pandas, null in polars.

    Args:
        report: the findings.
        backend: the library to make the frame with; the first that is installed where None.

    Raises:
        ConfigurationError: where that library is not installed, or another one is named.
    """
    library = _library(backend)
    columns, dtypes = _columns(report.ranked())
    if library.__name__ == "polars":
        types = {"float": library.Float64, "int": library.Int64, "bool": library.Boolean}
        schema = {name: types.get(dtype, library.String) for name, dtype in dtypes.items()}
        return library.DataFrame(columns, schema=schema)
    plain = {"float": "float64", "int": "int64", "bool": "bool"}
    return library.DataFrame(columns).astype({n: plain.get(d, "object") for n, d in dtypes.items()})


def _library(backend: Backend | None) -> Any:
    if backend is not None and backend not in _BACKENDS:
        raise ConfigurationError(f"backend is {backend!r}: give 'pandas' or 'polars'.")
    for name in _BACKENDS if backend is None else (backend,):
        if importlib.util.find_spec(name) is not None:
            return importlib.import_module(name)
    named = backend or "pandas or polars"
    raise ConfigurationError(
        f"a report as a frame needs {named}, which is not installed: "
        f"pip install {backend or 'pandas'}"
    )


def _columns(features: list[FeatureDrift]) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Return the columns by name, and of which type each is."""
    columns: dict[str, list[Any]] = {}
    dtypes: dict[str, str] = {}
    for item in fields(FeatureDrift):
        if item.name not in ("tests", "intervals", "trace_ids", "since_ns"):
            columns[item.name] = [getattr(feature, item.name) for feature in features]
            dtypes[item.name] = str(item.type).partition(" ")[0]
    tests = dict.fromkeys(name for feature in features for name in feature.tests)
    for name in tests:
        columns[f"p_{name}"] = [feature.tests.get(name) for feature in features]
    bounds = dict.fromkeys(name for feature in features for name in feature.intervals)
    for name in bounds:
        pairs = [feature.intervals.get(name, (None, None)) for feature in features]
        columns[f"{name}_lower"] = [low for low, _ in pairs]
        columns[f"{name}_upper"] = [high for _, high in pairs]
    return columns, dict.fromkeys(columns, "float") | dtypes
