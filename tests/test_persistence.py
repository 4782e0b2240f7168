"""A finding holds in k of m windows, outlives an outage, and ends by itself."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError
from modelwatch.persistence import (
    Persistence,
    feature_histories,
    persistent_drift,
    persistent_finding,
)
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity

LETTERS: dict[str, Severity] = {
    "D": "drift",
    "w": "warning",
    ".": "none",
    "?": "insufficient_data",
}


def window(**found: str | FeatureDrift) -> DriftReport:
    """Return the report of one window: of each feature a letter, or the finding itself."""
    features = {
        name: FeatureDrift(
            name=name, role="input", kind="numeric", rows=9, severity=LETTERS[given], effect=0.5
        )
        if isinstance(given, str)
        else given
        for name, given in found.items()
    }
    return DriftReport(
        model="m", version="1", baseline_id="b", start_ns=0, end_ns=0, rows=9, features=features
    )


def windows(letters: str) -> list[DriftReport]:
    """Return windows of one feature."""
    return [window(age=letter) for letter in letters]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", None),
        ("D", None),
        ("DD", "drift"),
        ("D.D", "drift"),
        ("DD.", "drift"),
        ("DD..", None),
        ("Dw", "warning"),
        ("wwD", "warning"),
        ("wDD", "drift"),
        ("D..D", None),
        ("????", None),
    ],
)
def test_two_of_three(letters: str, expected: Severity | None) -> None:
    """A finding holds in two of the last three windows, as drift where two found drift."""
    found = persistent_drift(windows(letters), Persistence(k=2, m=3))
    assert found == ({} if expected is None else {"age": expected})


@pytest.mark.parametrize("letters", ["DD????", "D?D", "?D????D?", "DD.?"])
def test_what_was_not_judged_neither_confirms_nor_clears(letters: str) -> None:
    """Windows without enough data are passed over: the finding stays as it was."""
    assert persistent_drift(windows(letters), Persistence(k=2, m=3)) == {"age": "drift"}


@given(st.text("Dw.?", max_size=12), st.integers(1, 4), st.integers(0, 3))
def test_is_a_count_over_the_judged_windows(letters: str, k: int, more: int) -> None:
    """By the definition: count findings among the last m letters that are a judgement."""
    m = k + more
    judged = [letter for letter in letters if letter != "?"][-m:]
    drifts, found = judged.count("D"), len(judged) - judged.count(".")
    expected = "drift" if drifts >= k else "warning" if found >= k else None
    told = persistent_drift(windows(letters), Persistence(k=k, m=m))
    assert told.get("age") == expected


@given(st.text("Dw.?", min_size=1, max_size=12))
def test_histories_are_those_of_every_beginning(letters: str) -> None:
    """What is told of each window is what was known when it ended."""
    persistence = Persistence(k=2, m=3)
    told = feature_histories(windows(letters), persistence)
    ends = range(1, len(letters) + 1)
    each = [feature_histories(windows(letters[:end]), persistence)[-1] for end in ends]
    assert told == each


def test_one_finding_ranks_its_features() -> None:
    """A model has one finding: features by severity, then by importance-weighted effect."""

    def finding(name: str, severity: Severity, effect: float | None, weight: float) -> FeatureDrift:
        return FeatureDrift(
            name=name,
            role="input",
            kind="numeric",
            rows=9,
            severity=severity,
            effect=effect,
            importance=weight,
        )

    features = {
        "small": finding("small", "drift", 5.0, 0.01),
        "large": finding("large", "drift", 0.5, 0.6),
        "other": finding("other", "warning", 9.0, 0.9),
        "calm": finding("calm", "none", 0.0, 1.0),
        "without": finding("without", "drift", None, 1.0),
    }
    told = persistent_finding([window(**features)] * 2, Persistence(k=2, m=2))
    assert told is not None
    assert told.severity == "drift"
    assert [feature.name for feature in told.features] == ["large", "small", "without", "other"]
    assert [feature.found for feature in told.features] == [2, 2, 2, 2]
    assert persistent_finding(windows("DD.."), Persistence()) is None
    assert persistent_finding([], Persistence()) is None


def test_features_may_come_and_go() -> None:
    """A feature that a window lacks was not judged by it."""
    found = persistent_drift(
        [window(age="D"), window(sex="D"), window(age="D")], Persistence(k=2, m=2)
    )
    assert found == {"age": "drift"}


@pytest.mark.parametrize(
    ("k", "m"),
    [
        *itertools.product((0, 4, -1, "a", 1.5, True, None), (3,)),
        *itertools.product((1,), (0, 101, "a", 1.5, True, None)),
        (0, 0),
    ],
)
def test_impossible_numbers_are_refused(k: Any, m: Any) -> None:
    """k lies in 1 to m, and m in 1 to 100; the message says which is wrong."""
    wrong = "k" if m == 3 else "m"
    with pytest.raises(ConfigurationError, match=rf"^{wrong} is .* whole number between 1 and"):
        Persistence(k=k, m=m)
