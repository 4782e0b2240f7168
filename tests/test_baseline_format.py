"""Documents of baselines that somebody tampered with."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.errors import FormatError, ModelwatchError
from tests.conftest import make_table
from tests.mutations import mutations


@pytest.fixture(scope="session")
def small() -> mw.Baseline:
    """A baseline with every kind of feature, many bins and few rows."""
    data = make_table(0, 1_000) | {"region": [f"r{n % 130}" for n in range(1_000)]}
    data["age"][:9] = np.nan
    weights = {"age": 0.5, "country": 1}
    return mw.Baseline.fit(
        data, model="churn", version="3", prediction="predicted",
        score={"yes": "score"}, importances=weights,
    )  # fmt: skip


@pytest.fixture
def document(small: mw.Baseline) -> dict[str, Any]:
    """Its document."""
    found: dict[str, Any] = json.loads(small.to_json())
    return found


@pytest.mark.parametrize("seed", range(500))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_mutated_baseline_is_read_or_refused(document: dict[str, Any], seed: int) -> None:
    """Whatever one field holds, the baseline loads and compares, or the error is ours."""
    try:
        baseline = mw.Baseline.from_json(mutations(document, seed))
    except FormatError:
        return
    assert mw.Baseline.from_json(baseline.to_json()).id == baseline.id
    with contextlib.suppress(ModelwatchError):
        mw.compare(baseline, make_table(1, 200))


def test_a_document_is_written_as_it_was_read(small: mw.Baseline) -> None:
    """Reading loses nothing."""
    assert mw.Baseline.from_json(small.to_json()).to_json() == small.to_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("score", -1),
        ("score", {"yes": "age"}),
        ("prediction", "nowhere"),
        ("label", []),
        ("timestamp", 7),
        ("rows", -5),
        ("rows", 1.5),
        ("model", None),
        ("model", "\ud800"),
        ("profile", []),
        ("features", {}),
        ("features", [[]]),
    ],
)
def test_a_field_that_cannot_be_is_refused(
    document: dict[str, Any], field: str, value: object
) -> None:
    """A baseline whose field holds what no baseline can hold is damaged."""
    with pytest.raises(FormatError, match=r"damaged.*Baseline\.fit"):
        mw.Baseline.from_json(json.dumps(document | {field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bin_edges", None),
        ("bin_edges", ["x"]),
        ("bin_edges", [0.0, 1.0]),
        ("bin_edges", [10**400]),
        ("categories", ["a"]),
        ("cells", ["a"]),
        ("cell_counts", [1]),
        ("kind", "categorical"),
        ("kind", "probability"),
        ("role", "output"),
        ("mean", float("inf")),
        ("mean", None),
        ("importance", -1),
        ("rare_categories", ["a", "a"]),
        ("rare_categories", [1]),
        ("limits", []),
        ("effects", {"values": {}, "missing": {}, "outliers": {}}),
        ("name", "other"),
    ],
)
def test_a_feature_that_contradicts_itself_is_refused(
    document: dict[str, Any], field: str, value: object
) -> None:
    """A feature's fields, its kind, its bins and its statistics fit together, or it is damaged."""
    document["features"][0][field] = value
    with pytest.raises(FormatError, match="damaged"):
        mw.Baseline.from_json(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        {"lower": 2.0, "upper": 1.0},
        {"lower": "x"},
        {"text": 1},
        {"all_categories_known": None},
    ],
)
def test_limits_that_cannot_be_are_refused(
    document: dict[str, Any], change: dict[str, object]
) -> None:
    """Limits that cross, or are of another type, are damage."""
    document["features"][0]["limits"] |= change
    with pytest.raises(FormatError, match="damaged"):
        mw.Baseline.from_json(json.dumps(document))


@pytest.mark.parametrize(
    "effect",
    [
        {"sizes": [50], "phi": [1.0], "nu": []},
        {"sizes": [50, 50], "phi": [1.0, 1.0], "nu": [1.0, 1.0]},
        {"sizes": [0], "phi": [1.0], "nu": [1.0]},
        {"sizes": [50], "phi": [0.0], "nu": [1.0]},
        {"sizes": [50], "phi": [1.0], "nu": [-1.0]},
    ],
)
def test_a_design_effect_that_cannot_be_is_refused(
    document: dict[str, Any], effect: dict[str, object]
) -> None:
    """Sizes increase, and no effect is zero or less."""
    document["features"][0]["effects"]["values"] = effect
    with pytest.raises(FormatError, match="damaged"):
        mw.Baseline.from_json(json.dumps(document))


def test_a_document_of_the_first_release_is_read(baseline: mw.Baseline) -> None:
    """Its one design effect serves for all statistics of values; it has no cycles and no hours."""
    body = json.loads(baseline.to_json())
    for feature in body["features"]:
        for name in ("kurtosis", "seasons"):
            del feature[name]
        for name in ("ks", "location"):
            del feature["effects"][name]
    del body["profile"]["hours"]
    found = mw.Baseline.from_json(json.dumps(body))
    for feature in found.features.values():
        assert feature.ks_effect == feature.location_effect == feature.values_effect
        assert feature.seasons is None
