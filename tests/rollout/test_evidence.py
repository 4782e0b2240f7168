"""What a measure says of a candidate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.rollout.evidence import Evidence, is_better_higher
from modelwatch.rollout.sequential import SequentialDifference, confidence_sequence

ALPHA = 0.05


def evidence(
    difference: float, error: float, *, name: str = "accuracy", margin: float = 0.01
) -> Evidence:
    """Return evidence of a difference with a standard error."""
    return Evidence(
        name=name,
        stable=0.8,
        candidate=0.8 + difference,
        told=confidence_sequence(difference, error**2, effect=margin, alpha=ALPHA),
        margin=margin,
        stable_rows=1_000,
        candidate_rows=1_000,
    )


@pytest.mark.parametrize(
    ("difference", "error", "standing"),
    [
        (-0.05, 0.005, "worse"),
        (0.05, 0.005, "better"),
        (0.0, 0.002, "no_worse"),
        (-0.005, 0.001, "no_worse"),  # surely below, and by less than anybody minds
        (0.0, 0.01, "open"),
        (-0.02, 0.02, "open"),
        (-0.05, math.inf, "open"),
    ],
)
def test_standings(difference: float, error: float, standing: str) -> None:
    """Surely worse beyond the margin, surely not, surely better, or open."""
    assert evidence(difference, error).standing == standing
    mirrored = evidence(-difference, error, name="mae")
    assert mirrored.standing == standing
    assert mirrored.gain == evidence(difference, error).gain


@given(st.floats(-1, 1), st.floats(1e-4, 1), st.floats(1e-3, 0.5))
def test_no_standing_contradicts_another(difference: float, error: float, margin: float) -> None:
    """What is worse is never at the same time no worse; limits hold the estimate."""
    found = evidence(difference, error, margin=margin)
    least, gain, most = found.gain
    assert least <= gain <= most
    if found.standing == "worse":
        assert least < -margin
    if found.standing == "better":
        assert least > 0


def test_an_exact_p_value_has_its_say() -> None:
    """Where few counts make limits that are too narrow, the exact test keeps it open."""
    told = SequentialDifference(-0.05, -0.09, -0.01, 0.2, ALPHA)
    found = Evidence(
        name="accuracy",
        stable=0.9,
        candidate=0.85,
        told=told,
        margin=0.01,
        stable_rows=200,
        candidate_rows=200,
    )
    assert found.standing == "open"


def test_directions() -> None:
    """Errors, losses and times are better the lower they are."""
    lower = ("mae", "rmse", "log_loss", "brier", "error_rate", "latency_seconds", "pinball_0.9")
    assert not any(map(is_better_higher, lower))
    assert all(map(is_better_higher, ("accuracy", "f1", "roc_auc", "r2", "recall")))
