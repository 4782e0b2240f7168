from __future__ import annotations

import datetime as dt
import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv

from modelwatch.collector.labels.row_checks import (
    BadValue,
    checked_id,
    checked_label,
    checked_model,
    checked_time,
    typed_text,
)
from modelwatch.tables.data_files import NULL_TEXTS
from modelwatch.telemetry.wire.outcomes import MOST_ID_CHARACTERS, MOST_TEXT_CHARACTERS

NS = 1_000_000_000


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "no prediction_id"),
        ("", "no prediction_id"),
        (True, "True"),
        (1.0, "1.0"),
        (2**63, "9223372036854775808"),
        (["a"], "['a']"),
        ("a" * (MOST_ID_CHARACTERS + 1), "257 characters"),
    ],
)
def test_what_is_no_id_is_refused_by_name(value: Any, named: str) -> None:
    """The error shows what came, and says what is wanted."""
    with pytest.raises(BadValue) as refused:
        checked_id(value)
    assert named in refused.value.problem
    assert refused.value.remedy


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        2**63,
        pytest.param(10**5_000, id="long"),
        "",
        "x" * (MOST_TEXT_CHARACTERS + 1),
        ["a"],
        {},
        b"a",
    ],
)
def test_what_is_no_label_is_refused(value: Any) -> None:
    """A label is a class, a finite number, a truth value or null, and nothing longer than that."""
    with pytest.raises(BadValue, match="label"):
        checked_label(value)


@pytest.mark.parametrize("value", [None, True, False, 0, -(2**63), 2**63 - 1, 0.5, "x", " "])
def test_labels_keep_their_type(value: Any) -> None:
    """What may be a label is taken as it is: true is not 1, 1 is not 1.0."""
    taken = checked_label(value)
    assert (type(taken), taken) == (type(value), value)


@pytest.mark.parametrize("value", [None, "", 3, ["m"], "x" * (MOST_TEXT_CHARACTERS + 1)])
def test_what_is_no_model_is_refused(value: Any) -> None:
    """A model has a name."""
    with pytest.raises(BadValue, match="model"):
        checked_model(value)


@pytest.mark.parametrize(
    ("value", "time_ns"),
    [
        (None, 0),
        ("", 0),
        (0, 0),
        (1_700_000_000, 1_700_000_000 * NS),
        ("1700000000", 1_700_000_000 * NS),
        (1_700_000_000.5, 1_700_000_000 * NS + NS // 2),
        (1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        ("2023-11-14T22:13:20Z", 1_700_000_000 * NS),
        ("2023-11-14T22:13:20.000001+00:00", 1_700_000_000 * NS + 1_000),
        ("2023-11-15 00:13:20+02:00", 1_700_000_000 * NS),
        ("2023-11-14T22:13:20", 1_700_000_000 * NS),
        ("2023-11-14", 1_699_920_000 * NS),
        (dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC), 1_700_000_000 * NS),
    ],
)
def test_times_are_read_in_any_form(value: Any, time_ns: int) -> None:
    """Seconds, nanoseconds and RFC 3339 are the same time; UTC where no zone is named."""
    assert checked_time(value) == time_ns


@pytest.mark.parametrize(
    "value",
    [
        -1, 1_700_000_000_000, 1_700_000_000_000_000, 2**63, math.nan, math.inf, True, [1],
        "yesterday", "1969-12-31T23:59:59Z", "2300-01-01", "0001-01-01T00:00:00+14:00", "9" * 400,
        dt.date(2023, 11, 14), pytest.param(10**5_000, id="long"),
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(value: Any) -> None:
    """Milliseconds and microseconds too: taken for seconds they would be no time at all."""
    with pytest.raises(BadValue, match="time"):
        checked_time(value)


FLOATS = frozenset({"inf", "nan", "infinity"})
WORDS = st.text("abcdefXYZ_", min_size=1, max_size=8)
PLAIN = st.one_of(
    st.integers(-(2**62), 2**62).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from([*NULL_TEXTS, "true", "False", "TRUE", "yes", "1.", ".5", "-0", "007", "1e5"]),
    WORDS.filter(lambda text: not (text.lower() in FLOATS or text in NULL_TEXTS)),
)


@given(PLAIN)
def test_values_of_csv_are_typed_as_in_a_baselines_file(text: str) -> None:
    """One value alone has the type that pyarrow gives a column of it."""
    if text == "":
        assert typed_text(text) is None
        return
    options = arrow_csv.ConvertOptions(
        null_values=list(NULL_TEXTS),
        strings_can_be_null=True,
        true_values=["true", "True", "TRUE"],
        false_values=["false", "False", "FALSE"],
    )
    source = io.BytesIO(f"x\n{text}\n".encode())
    (expected,) = arrow_csv.read_csv(source, convert_options=options)["x"].to_pylist()
    found = typed_text(text)
    assert (type(found), found) == (type(expected), expected)


@given(st.text(max_size=12))
def test_any_text_is_some_value(text: str) -> None:
    """No text of a CSV file fails, and what is not another value is that text."""
    found = typed_text(text)
    assert found is None or isinstance(found, (bool, int, float)) or found == text
