from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import FormatError
from modelwatch.telemetry.steering import FeatureLimits, Steering

numbers = st.floats(0.001, 1e9)
limits = st.builds(
    lambda lower, more: FeatureLimits(lower=lower, upper=None if lower is None else lower + more),
    st.none() | st.floats(-1e9, 1e9),
    numbers,
)
steerings = st.builds(
    Steering,
    enabled=st.booleans(),
    sample_rate=st.none() | st.floats(0.0, 1.0),
    max_rows_per_second=st.none() | numbers,
    outlier_limits=st.dictionaries(st.text(st.characters(codec="utf-8")), limits, max_size=5),
)


@given(steerings, steerings)
def test_a_document_is_read_as_it_was_written(steering: Steering, other: Steering) -> None:
    """Nothing is lost on the way, and documents that differ have different entity tags."""
    assert Steering.from_json(steering.to_json()) == steering
    assert (steering.etag == other.etag) == (steering == other)


def test_what_is_absent_or_null_changes_nothing() -> None:
    """An empty document leaves all as the service's code says."""
    nulls = '{"enabled":null,"sample_rate":null,"max_rows_per_second":null,"outlier_limits":null}'
    assert Steering.from_json("{}") == Steering.from_json(nulls) == Steering()
    assert Steering().changes_nothing
    assert not Steering(sample_rate=1.0).changes_nothing


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "no object"),
        ("{", "not JSON"),
        ('{"sample_rate": NaN}', "NaN"),
        ('{"rate": 1}', "'rate'.*none of enabled"),
        ('{"enabled": "no"}', "enabled"),
        ('{"sample_rate": 1.5}', "sample_rate"),
        ('{"sample_rate": true}', "sample_rate"),
        ('{"max_rows_per_second": 0}', "disable"),
        ('{"max_rows_per_second": -1}', "max_rows_per_second"),
        ('{"outlier_limits": {"age": 3}}', "'age'.*no object"),
        ('{"outlier_limits": {"age": {"low": 3}}}', "'age'.*'low'"),
        ('{"outlier_limits": {"age": {"lower": 3, "upper": 2}}}', "'age'.*above"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_document_is_refused(text: str, named: str) -> None:
    """The message names the field and what it must be."""
    with pytest.raises(FormatError, match=named):
        Steering.from_json(text)


def test_limits_are_bounded_in_number() -> None:
    """A document cannot fill a service's memory."""
    body = ",".join(f'"f{index}":{{}}' for index in range(1_001))
    with pytest.raises(FormatError, match="1000"):
        Steering.from_json(f'{{"outlier_limits":{{{body}}}}}')
