from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError, FormatError, SchemaError

ROWS = 400
EXTRACTORS = {"review": "text", "vector": "embedding"}


def make_data(seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Return reviews with an embedding each, a number and a score."""
    random = np.random.default_rng(seed)
    return {
        "stars": random.integers(1, 6, ROWS),
        "review": [f"secret {'word ' * n}" for n in random.integers(1, 30, ROWS)],
        "vector": random.normal(0.0, scale, size=(ROWS, 8)),
        "score": random.random(ROWS),
    }


def _parts(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    return iter([frame[:100], frame[100:]])


@pytest.fixture(scope="module")
def described() -> mw.Baseline:
    """A baseline of such data."""
    return mw.Baseline.fit(
        make_data(0), model="m", version="1", score="score", extractors=EXTRACTORS
    )


@pytest.fixture
def lines() -> Iterator[str]:
    """An extractor of one's own."""
    mw.extractors.register("lines", lambda value: {"count": value.count("\n")})
    yield "lines"
    mw.extractors.unregister("lines")


def test_descriptors_are_the_features(described: mw.Baseline) -> None:
    """The columns themselves are none, and no text of theirs is in the document."""
    assert described.inputs[0] == "stars"
    assert {name.partition(".")[0] for name in described.inputs} == {"stars", "review", "vector"}
    assert "review" not in described.features
    assert described.features["review.length"].kind == "numeric"
    assert "secret" not in described.to_json()


def test_a_comparison_describes_by_itself(described: mw.Baseline) -> None:
    """Data like the training data is not drifted; longer vectors are found, by their norm."""
    assert not mw.compare(described, make_data(1)).drifted
    report = mw.compare(described, make_data(1, scale=3.0))
    assert report.features["vector.norm"].severity == "drift"
    assert report.features["review.length"].severity == "none"
    assert report.unexpected == ()
    assert mw.Profile.from_data(make_data(1), baseline=described).rows == ROWS


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, "rows", "file", "stream"])
def test_tables_of_any_kind_are_described(make: Any, tmp_path: Path) -> None:
    """Frames, rows, files and streams: the features are those of a mapping of columns."""
    data = make_data(0) | {"vector": make_data(0)["vector"].tolist()}
    expected = mw.Baseline.fit(data, model="m", version="1", extractors=EXTRACTORS)
    given: Any
    if make == "rows":
        given = [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
    elif make == "file":
        given = tmp_path / "data.parquet"
        pl.DataFrame(data).write_parquet(given)
    elif make == "stream":
        given = partial(_parts, pl.DataFrame(data))
    else:
        given = make(data)
    found = mw.Baseline.fit(given, model="m", version="1", extractors=EXTRACTORS)
    assert found.inputs == expected.inputs
    for name in found.inputs:
        assert found.features[name].mean == pytest.approx(expected.features[name].mean)


def test_the_document_keeps_the_names(described: mw.Baseline) -> None:
    """Loaded again it is the same; a document without extractors has none, and no field of it."""
    loaded = mw.Baseline.from_json(described.to_json())
    assert loaded.extractors == EXTRACTORS
    assert loaded.id == described.id
    plain = mw.Baseline.fit({"x": np.arange(500.0)}, model="m", version="1")
    assert "extractors" not in json.loads(plain.to_json())
    assert mw.Baseline.from_json(plain.to_json()).extractors == {}


@pytest.mark.parametrize("value", [[], "text", {"review": 3}, {"review": None}])
def test_a_damaged_document_is_refused(described: mw.Baseline, value: object) -> None:
    """Where the field holds no names, the document is damaged."""
    document = json.loads(described.to_json()) | {"extractors": value}
    with pytest.raises(FormatError, match="damaged"):
        mw.Baseline.from_json(json.dumps(document))


def test_an_extractor_that_is_not_there_is_told(lines: str) -> None:
    """A loaded baseline can be looked at, but not used before its extractor is registered."""
    data = {"review": ["a\n" * (n % 7) for n in range(300)]}
    baseline = mw.Baseline.fit(data, model="m", version="1", extractors={"review": lines})
    assert baseline.inputs == ("review.count",)
    text = baseline.to_json()
    mw.extractors.unregister(lines)
    try:
        loaded = mw.Baseline.from_json(text)
        assert loaded.inputs == ("review.count",)
        for use in (
            lambda: mw.compare(loaded, data),
            lambda: mw.Profile.from_data(data, baseline=loaded),
            lambda: mw.Watch("m", version="1", baseline=loaded),
        ):
            with pytest.raises(ConfigurationError, match=r"extractors\.register\('lines'"):
                use()
    finally:
        mw.extractors.register(lines, lambda value: {"count": value.count("\n")})


def test_features_can_be_named_by_their_column() -> None:
    """A named column stands for its descriptors, in its place."""
    baseline = mw.Baseline.fit(
        {name: values for name, values in make_data(0).items() if name != "vector"},
        model="m",
        version="1",
        features=["review", "stars"],
        extractors={"review": "text"},
        score="score",
    )
    assert baseline.inputs[0] == "review.length"
    assert baseline.inputs[-1] == "stars"
    assert len(baseline.inputs) == 6


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (ConfigurationError, {"extractors": {"review": "unknown"}}),
        (ConfigurationError, {"extractors": "text"}),
        (ConfigurationError, {"extractors": {"review": "text"}, "model_object": len}),
        (SchemaError, {"extractors": {"score": "text"}, "score": "score"}),
        (SchemaError, {"extractors": {"stars": "text"}}),
        (SchemaError, {"extractors": {"nothing": "text"}}),
    ],
)
def test_what_cannot_work_is_refused(error: type[Exception], options: dict[str, Any]) -> None:
    """An extractor, a column or a combination that cannot be: the error says what to give."""
    with pytest.raises(error):
        mw.Baseline.fit(
            {name: values for name, values in make_data(0).items() if name != "vector"},
            model="m",
            version="1",
            **options,
        )
