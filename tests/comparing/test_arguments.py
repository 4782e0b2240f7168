"""Arguments of a comparison that are of a wrong type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError

Tables = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("wrong", [None, 3, "b.json", pd.DataFrame({"a": [1]})], ids=repr)
def test_what_is_no_baseline_is_refused(wrong: Any, table: Tables) -> None:
    """A file's name with the way to read it."""
    remedy = r"Baseline\.load\('b\.json'\)" if isinstance(wrong, str) else "give a Baseline"
    with pytest.raises(ConfigurationError, match=rf"^baseline is .*{remedy}"):
        mw.compare(wrong, table(1, 100))


def test_a_profile_is_no_baseline(baseline: mw.Baseline, table: Tables) -> None:
    """Though it has features too."""
    data: Any = mw.Profile.from_data(table(1, 100), baseline=baseline)
    with pytest.raises(ConfigurationError, match="baseline is a Profile: give a Baseline first"):
        mw.compare(data, data)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"thresholds": 3}, "thresholds is 3"),
        ({"thresholds": {}}, r"thresholds is \{\}"),
        ({"thresholds": {"psi_drift": 1}}, "thresholds is "),
        ({"segments": 3}, "segments is 3"),
        ({"segments": []}, r"segments is \[\]"),
        ({"segments": {"a": None}}, r"segments\['a'\] is None"),
        ({"segments": {3: None}}, "segments names 3"),
        ({"progress": 3}, "progress is 3"),
    ],
    ids=repr,
)
def test_options_of_a_wrong_type_are_refused(
    baseline: mw.Baseline, table: Tables, options: dict[str, Any], named: str
) -> None:
    """Whether a profile or a table is compared."""
    data = table(1, 100)
    for current in (data, mw.Profile.from_data(data, baseline=baseline)):
        with pytest.raises(ConfigurationError, match=rf"^{named}.*: give "):
            mw.compare(baseline, current, **options)
