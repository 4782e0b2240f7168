"""Segments in the documents of baselines."""

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


@pytest.fixture(scope="module")
def small() -> mw.Baseline:
    """A baseline of every kind of feature, by three countries."""
    data = make_table(0, 1_500) | {"region": [f"r{n % 130}" for n in range(1_500)]}
    data["age"][:9] = np.nan
    return mw.Baseline.fit(
        data, model="churn", version="3", prediction="predicted", score="score", segment="country"
    )


@pytest.fixture
def document(small: mw.Baseline) -> dict[str, Any]:
    """Its document."""
    found: dict[str, Any] = json.loads(small.to_json())
    return found


def test_a_baseline_with_segments_is_read_as_it_was_written(small: mw.Baseline) -> None:
    """Nothing is lost: content hash, segments, their order and what they find."""
    again = mw.Baseline.from_json(small.to_json())
    assert again.id == small.id
    assert again.segment == "country"
    assert list(again.segments) == list(small.segments)
    data = make_table(1, 900)
    data["income"] = data["income"] * 2
    found, twin = (mw.compare(one, data).to_dict() for one in (again, small))
    assert found == twin


def test_a_document_without_segments_says_nothing_of_them() -> None:
    """So documents, and their content hashes, are as they were before there were segments."""
    plain = mw.Baseline.fit(make_table(0, 500), model="churn", version="3")
    text = plain.to_json()
    body = json.loads(text)
    assert not {"segment", "segments"} & body.keys()
    assert all("segments" not in feature["effects"] for feature in body["features"])
    again = mw.Baseline.from_json(text)
    assert (again.segment, again.segments) == (None, {})


def test_a_segment_costs_less_than_half_of_the_wholes_profile(document: dict[str, Any]) -> None:
    """Bins, vocabularies and design effects are not told again."""
    segments, profile = (json.dumps(document[name]) for name in ("segments", "profile"))
    assert "bin_edges" not in segments
    assert len(segments) / 3 < len(profile) / 2


@pytest.mark.parametrize("seed", range(300))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mutated_segments_are_read_or_refused(document: dict[str, Any], seed: int) -> None:
    """Whatever one field of them holds, the baseline loads and compares, or the error is ours."""
    parts = json.loads(mutations({"segments": document["segments"]}, seed))
    try:
        baseline = mw.Baseline.from_json(json.dumps(document | parts))
    except FormatError:
        return
    assert mw.Baseline.from_json(baseline.to_json()).id == baseline.id
    with contextlib.suppress(ModelwatchError):
        mw.compare(baseline, make_table(1, 200))


@pytest.mark.parametrize(
    "change",
    [
        {"segments": {}},
        {"segments": [{}]},
        {"segment": None},
        {"segment": 7},
    ],
)
def test_segments_that_cannot_be_are_refused(
    document: dict[str, Any], change: dict[str, object]
) -> None:
    """A field of another type is damage."""
    with pytest.raises(FormatError, match=r"damaged.*Baseline\.fit"):
        mw.Baseline.from_json(json.dumps(document | change))


def test_segments_of_one_name_or_too_many_are_refused(document: dict[str, Any]) -> None:
    """There are 21 at most, each once."""
    for copies in (2, 30):
        parts = document["segments"][:1] * copies
        with pytest.raises(FormatError, match=r"one name|at most 21"):
            mw.Baseline.from_json(json.dumps(document | {"segments": parts}))


@pytest.mark.parametrize("field", ["values", "ks", "location", "missing", "outliers"])
def test_a_damaged_spread_is_refused(document: dict[str, Any], field: str) -> None:
    """How much segments vary is checked as all design effects are."""
    document["features"][0]["effects"]["segments"][field] = {"sizes": [50], "phi": [], "nu": []}
    with pytest.raises(FormatError, match="damaged"):
        mw.Baseline.from_json(json.dumps(document))
