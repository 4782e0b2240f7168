"""The batch that summaries of the second pass are given."""

from __future__ import annotations

import numpy as np

from modelwatch.baseline import Baseline
from modelwatch.fitting.batch import Batch
from modelwatch.tables.columns import CategoricalColumn, NumericColumn
from tests.conftest import make_table


def test_columns_are_read_as_their_features_and_once(baseline: Baseline) -> None:
    """A feature is read by its description, another column by what it holds; both only once."""
    raw = make_table(3, 40) | {"label": [None, "yes"] * 20, "at": np.arange(40.0)}
    batch = Batch(100, raw, baseline.features)
    assert (batch.start, batch.rows) == (100, 40)
    assert isinstance(batch.column("predicted"), CategoricalColumn)
    assert isinstance(batch.column("at"), NumericColumn)
    assert batch.column("age") is batch.column("age")


def test_numbers_and_keys_have_every_row(baseline: Baseline) -> None:
    """What is missing is NaN or None, so that columns can be joined row by row."""
    raw = make_table(3, 3) | {"age": [1.0, None, "x"], "country": ["de", None, 3]}
    batch = Batch(0, raw, baseline.features)
    assert np.isnan(batch.numbers("age")).tolist() == [False, True, True]
    assert batch.keys("country") == ["de", None, None]
    assert batch.keys("age") == ["1", None, "x"]
    assert batch.numbers("mobile").tolist() == [float(value) for value in raw["mobile"]]
