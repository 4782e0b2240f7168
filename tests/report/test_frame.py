"""Findings as a data frame."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import ModuleSpec
from typing import Any

import pandas as pd
import polars as pl
import pytest

from modelwatch.baseline import Baseline
from modelwatch.comparing import compare
from modelwatch.errors import ConfigurationError
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.frame import Backend, report_frame
from tests.conftest import make_table


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make libraries look as if they were not installed."""
    find_spec = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in names else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


@pytest.fixture(scope="module")
def found() -> DriftReport:
    """A report with a feature that drifted, and one without a row."""
    baseline = Baseline.fit(make_table(0), model="churn", version="3", score="score")
    data: dict[str, Any] = make_table(3, 900)
    data["age"] = data["age"] + 40
    del data["score"]
    return compare(baseline, data)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_one_row_a_feature(found: DriftReport, backend: Backend) -> None:
    """Worst first, with the report's own numbers; both libraries hold the same."""
    frame: Any = report_frame(found, backend)
    assert type(frame).__module__.partition(".")[0] == backend
    ranked = found.ranked()
    assert list(frame["name"]) == [feature.name for feature in ranked]
    assert frame["severity"].to_list()[0] == "drift"
    assert frame["psi"].to_list()[0] == ranked[0].psi
    assert list(frame["rows"]) == [feature.rows for feature in ranked]


def test_types_do_not_hang_on_what_is_known(found: DriftReport) -> None:
    """A number is one where no feature has it, too."""
    wide, narrow = report_frame(found, "polars"), report_frame(found, "pandas")
    assert wide.schema["importance"] == pl.Float64
    assert wide["importance"].null_count() == len(wide)
    assert narrow["importance"].dtype == "float64"
    assert narrow["importance"].isna().all()
    assert wide.columns == list(narrow.columns)


def test_a_report_without_features_has_its_columns(found: DriftReport) -> None:
    """The frame is empty, and not without names."""
    frame = report_frame(replace(found, features={}), "polars")
    assert frame.height == 0
    assert "psi" in frame.columns


def test_the_first_that_is_installed_is_taken(
    found: DriftReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pandas, else polars, else an error that says what to install."""
    assert isinstance(report_frame(found), pd.DataFrame)
    hide(monkeypatch, "pandas")
    assert isinstance(report_frame(found), pl.DataFrame)
    with pytest.raises(ConfigurationError, match="pip install pandas"):
        report_frame(found, "pandas")


def test_another_library_is_refused(found: DriftReport) -> None:
    """The message names those that can be asked for."""
    make: Callable[..., object] = report_frame
    with pytest.raises(ConfigurationError, match="'spark': give 'pandas' or 'polars'"):
        make(found, "spark")
