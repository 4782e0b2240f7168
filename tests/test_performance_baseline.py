"""What a baseline keeps of labelled rows, and its document."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.errors import FormatError, ModelwatchError
from modelwatch.profile import Profile
from tests.labelled_tables import (
    CLASSES,
    binary_table,
    fitted,
    regression_table,
    several_table,
    without,
)
from tests.mutations import mutations

KINDS = ["binary", "several", "regression"]


@pytest.fixture(scope="session")
def baselines() -> dict[str, mw.Baseline]:
    """A small baseline of each kind."""
    return {
        "binary": fitted(binary_table(0, 800), score="score"),
        "several": fitted(several_table(0, 800), score={name: f"p_{name}" for name in CLASSES}),
        "regression": fitted(regression_table(0, 800)),
    }


def current(kind: str) -> dict[str, Any]:
    """Rows to compare with the baseline of a kind."""
    tables = {"binary": binary_table, "several": several_table, "regression": regression_table}
    return tables[kind](1, 200)


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_is_written_as_it_was_read(kind: str, baselines: dict[str, mw.Baseline]) -> None:
    """Reading loses nothing, of baselines and of profiles, and the comparison is the same."""
    baseline = baselines[kind]
    read = mw.Baseline.from_json(baseline.to_json())
    assert read.to_json() == baseline.to_json()
    profile = Profile.from_data(current(kind), baseline=baseline)
    again = Profile.from_json(profile.to_json())
    assert again.to_json() == profile.to_json()
    assert mw.compare(read, again).performance == mw.compare(baseline, profile).performance


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(120))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_mutated_performance_is_read_or_refused(
    kind: str, seed: int, baselines: dict[str, mw.Baseline]
) -> None:
    """Whatever one field holds, the baseline loads and compares, or the error is ours."""
    document = json.loads(baselines[kind].to_json())
    damaged = json.loads(mutations({"performance": document["performance"]}, seed))
    try:
        read = mw.Baseline.from_json(json.dumps(document | {"performance": None} | damaged))
    except FormatError:
        return
    assert mw.Baseline.from_json(read.to_json()).id == read.id
    with contextlib.suppress(ModelwatchError):
        mw.compare(read, current(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_mutated_profile_is_read_or_refused(
    kind: str, seed: int, baselines: dict[str, mw.Baseline]
) -> None:
    """Likewise for what a profile holds of performance."""
    profile = Profile.from_data(current(kind), baseline=baselines[kind])
    document = json.loads(profile.to_json())
    parts = {name: document.pop(name) for name in ("scores", "labelled", "quadratic")
             if name in document}  # fmt: skip
    damaged = document | json.loads(mutations(parts, seed))
    try:
        read = Profile.from_json(json.dumps(damaged))
    except FormatError:
        return
    with contextlib.suppress(ModelwatchError):
        mw.compare(baselines[kind], read)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", "ranking"),
        ("task", "regression"),
        ("scores", {}),
        ("scores", {"yes": "nowhere"}),
        ("scores", {"no": "score"}),
        ("calibrations", {"no": {}}),
        ("loss_model", {}),
        ("effect", {"sizes": [50], "phi": [0.0], "nu": [1.0]}),
        ("predicts", 1),
        ("reference", []),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    field: str, value: object, baselines: dict[str, mw.Baseline]
) -> None:
    """A performance whose fields contradict each other is damaged."""
    document = json.loads(baselines["binary"].to_json())
    document["performance"][field] = value
    with pytest.raises(FormatError, match=r"damaged.*Baseline\.fit"):
        mw.Baseline.from_json(json.dumps(document))


def test_a_document_without_performance_is_read() -> None:
    """A baseline without labels writes none, as the first release did, and has the same id."""
    blind = fitted(without(binary_table(0, 800), "label"), score="score")
    assert "performance" not in json.loads(blind.to_json())
    read = mw.Baseline.from_json(blind.to_json())
    assert read.performance is None
    assert read.id == blind.id


def test_documents_are_small(baselines: dict[str, mw.Baseline]) -> None:
    """The labelled rows add no more than some bins: 30 kB for a classifier of two classes."""
    sizes = {
        kind: len(json.dumps(json.loads(baselines[kind].to_json())["performance"]))
        for kind in KINDS
    }
    assert sizes["binary"] < 30_000
    assert sizes["regression"] < 30_000
    assert sizes["several"] < 60_000


def test_reference_metrics_have_intervals(baselines: dict[str, mw.Baseline]) -> None:
    """What later rows are compared with is itself known up to chance."""
    performance = baselines["binary"].performance
    assert performance is not None
    found = performance.realized["accuracy"]
    assert found.lower < found.value < found.upper
    assert found.rows == 800
    assert performance.positive == "yes"
    assert performance.task == "classification"
    assert set(performance.classes) == {"yes", "no"}
    assert np.isfinite(performance.effect.phi_at(100))
