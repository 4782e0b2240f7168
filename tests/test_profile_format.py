"""Documents of profiles that somebody tampered with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelwatch.baseline import Baseline
from modelwatch.errors import FormatError
from modelwatch.profile import Profile
from modelwatch.sketches import ExponentialHistogram
from tests.conftest import make_table
from tests.mutations import mutations


@pytest.fixture
def document(baseline: Baseline) -> dict[str, Any]:
    """A profile on a baseline's bins, as its document."""
    profile = Profile.from_data(make_table(3, 300) | {"age": [None, 5.0] * 150}, baseline=baseline)
    found: dict[str, Any] = json.loads(profile.to_json())
    return found


def test_a_document_is_written_as_it_was_read(baseline: Baseline) -> None:
    """Reading loses nothing, on a baseline's bins or on those of no baseline, with nulls too."""
    free = Profile("churn", "3", segment="eu", instance="a", start_ns=5, end_ns=2**62)
    free.update({"x": [-1.0, 0.0, None, 1e300], "plan": ["a", None, "é", "b"]})
    free.record_calls([0.5, 0.25], {"KeyError": 1})
    free.dropped["full"] = 3
    for profile in (free, Profile("churn", "3"), baseline.profile):
        assert Profile.from_json(profile.to_json()).to_json() == profile.to_json()


@pytest.mark.parametrize("seed", range(300))
def test_a_mutated_profile_is_read_or_refused(
    baseline: Baseline, document: dict[str, Any], seed: int
) -> None:
    """Whatever one field holds, the profile loads and merges with itself, or it is damaged."""
    try:
        profile = Profile.from_json(mutations(document, seed))
    except FormatError:
        return
    assert profile.merge(profile).rows == 2 * profile.rows
    assert Profile.from_json(profile.to_json()).to_json() == profile.to_json()


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b'{"format": [[]], "format_version": 1}',
        b'{"format": "modelwatch.profile", "format_version": true}',
        b'{"format": "modelwatch.profile", "format_version": NaN}',
        b"\xff\xfe\x00",
        b"",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_document_is_refused(text: bytes) -> None:
    """Nesting without end, numbers without end and bytes that are no text are damage too."""
    with pytest.raises(FormatError):
        Profile.from_json(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rows", -5),
        ("rows", 2**53 + 1),
        ("rows", True),
        ("end_ns", 2**63),
        ("segment", []),
        ("model", "\ud800"),
        ("predictions", {"": None}),
        ("predictions", {"\ud800": 1}),
        ("dropped", {"a": 2**52, "b": 2**52, "c": 1}),
        ("duration_sum_seconds", float("nan")),
        ("duration_counts", [1]),
        ("joint", {}),
    ],
)
def test_a_field_that_cannot_be_is_named(
    document: dict[str, Any], field: str, value: object
) -> None:
    """A profile whose field holds what no profile can hold is refused."""
    with pytest.raises(FormatError, match="profile is damaged"):
        Profile.from_json(json.dumps(document | {field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("missing", {"null": None}),
        ("outliers", {"range": -1}),
        ("values", {"categories": {"a": "x"}, "other": 0, "unseen": 0}),
        ("values", {"bin_edges": [2.0, 1.0], "counts": [0, 0, 0]}),
        ("values", {"bin_edges": [1.0], "counts": [2**62, 2**62]}),
        ("values", {"positive": [[10**9, 1]], "negative": [], "zero_count": 0}),
        ("values", {"positive": [[1]], "negative": [], "zero_count": 0}),
        ("moments", {"shift": 0, "n": 1, "mean_offset": 0, "m2": 0, "minimum": 2, "maximum": 1}),
        ("moments", {"shift": 0, "n": 1, "mean_offset": 0, "m2": 0, "minimum": 2, "maximum": None}),
        ("moments", []),
    ],
)
def test_statistics_that_cannot_be_are_refused(
    document: dict[str, Any], field: str, value: object
) -> None:
    """Counts below zero, bins in disorder and extremes that cross are damage."""
    document["features"][0][field] = value
    with pytest.raises(FormatError, match="damaged"):
        Profile.from_json(json.dumps(document))


def test_a_matrix_is_not_made_before_its_size_is_known(document: dict[str, Any]) -> None:
    """A million names without their numbers cost no memory of a million squared."""
    names = [str(number) for number in range(1_000_000)]
    document["joint"] = {"names": names, "shift": [], "n": 1, "mean_offset": [], "m2": [1.0]}
    with pytest.raises(FormatError, match="m2"):
        Profile.from_json(json.dumps(document))


def test_two_features_of_one_name_are_refused(document: dict[str, Any]) -> None:
    """Neither of the two could be told from the other."""
    document["features"].append(document["features"][0])
    with pytest.raises(FormatError, match="one name"):
        Profile.from_json(json.dumps(document))


def test_exponential_histograms_of_the_first_documents_are_read() -> None:
    """They have one scale and do not tell it."""
    profile = Profile.empty("m", "1")
    profile.update({"x": [1.5, -3.0, 0.0]})
    body: dict[str, Any] = json.loads(profile.to_json())
    body["features"][0]["values"] = {
        "positive": [[37, 1]],
        "negative": [[101, 1]],
        "zero_count": 1,
    }
    values = Profile.from_json(json.dumps(body)).features["x"].values
    assert isinstance(values, ExponentialHistogram)
    assert (values.scale, values.total) == (6, 3)
    assert values.positive.indices.tolist() == [37]
