from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelwatch as mw
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.rows import Batch, Row
from modelwatch.errors import ConfigurationError
from tests.tensors import FakeTensor
from tests.watched import MakeWatch, Watched

ROWS = 400


@pytest.fixture(scope="module")
def reviews() -> mw.Baseline:
    """A model of reviews with stars, which knows texts by their descriptors."""
    random = np.random.default_rng(2)
    data = {
        "review": ["word " * n for n in random.integers(1, 30, ROWS)],
        "stars": random.integers(1, 6, ROWS),
    }
    return mw.Baseline.fit(data, model="m", version="1", extractors={"review": "text"})


@pytest.fixture(scope="module")
def texts() -> mw.Baseline:
    """A model of nothing but a text."""
    data = {"text": [f"{'Word ' * (1 + n % 30)}{n % 7}" for n in range(ROWS)]}
    return mw.Baseline.fit(data, model="m", version="1", extractors={"text": "text"})


def observed(watched: Watched) -> dict[str, int]:
    """Return the values that were captured by feature."""
    features = watched.profile().features
    return {name: feature.observed for name, feature in features.items() if feature.role == "input"}


@pytest.mark.parametrize(
    "value",
    [
        [1.0, 2.0],
        (1.0, 2.0),
        np.array([1.0, 2.0]),
        np.array([[1.0, 2.0]]),
        [[1.0, 2.0]],
        FakeTensor([1.0, 2.0], requires_grad=True),
        FakeTensor([[1.0, 2.0]], bfloat16=True),
        [FakeTensor(1.0), FakeTensor(2.0)],
    ],
)
def test_names_are_those_of_arrays(value: object) -> None:
    """Without a baseline, whatever has values in order is read by the names that were given."""
    reader = DeclaredInputs(feature_names=("b", "a")).reader(None)
    assert reader.names == ("b", "a")
    assert reader.read(value) == Row((1.0, 2.0))


def test_a_watch_names_arrays(make_watch: MakeWatch) -> None:
    """One row, a batch, a tensor and a mapping count under the same names."""
    watched = make_watch(baseline=None, feature_names=["age", "income"])

    @watched.watch
    def predict(features: Any) -> Any:
        return [0.5] * (2 if np.ndim(features) == 2 else 1)

    predict(np.array([1.0, 2.0]))
    predict(np.array([[1.0, 2.0], [3.0, 4.0]]))
    predict(FakeTensor(np.array([1.0, 2.0])))
    predict({"age": 1.0, "income": 2.0})
    assert observed(watched) == {"age": 5, "income": 5}


def test_names_give_the_order_of_arrays_with_a_baseline(
    make_watch: MakeWatch, baseline: mw.Baseline
) -> None:
    """The names are the baseline's; arrays and rows may have another order than it."""
    reader = DeclaredInputs(feature_names=("city", "amount", "count")).reader(baseline)
    assert reader.names == ("amount", "count", "city")
    assert reader.read(["Bergen", 1.5, 3]) == Row((1.5, 3, "Bergen"))
    found = reader.read(np.array([["Bergen", 1.5, 3], ["Lisbon", 2.5, 4]], dtype=object))
    assert isinstance(found, Batch)
    assert list(found.columns["count"]) == [3, 4]
    with pytest.raises(ConfigurationError, match=r"feature_names are .*'amount', 'count', 'city'"):
        make_watch(feature_names=["amount", "count"])


@pytest.mark.parametrize("names", ["age", 3, [3], ["a", "a"], [""], {"a": 1}])
def test_names_that_cannot_be_are_refused(make_watch: MakeWatch, names: Any) -> None:
    """The error says what to give."""
    with pytest.raises(ConfigurationError, match="feature_names"):
        make_watch(baseline=None, feature_names=names)


@pytest.mark.parametrize("extractors", [{"review": "unknown"}, "text", {"review": 3}])
def test_extractors_that_cannot_be_are_refused(make_watch: MakeWatch, extractors: Any) -> None:
    """Likewise."""
    with pytest.raises(ConfigurationError):
        make_watch(baseline=None, extractors=extractors)


def test_extractors_must_agree_with_the_baseline(
    make_watch: MakeWatch, baseline: mw.Baseline, reviews: mw.Baseline
) -> None:
    """A baseline that counts the texts themselves, or describes them otherwise, is refused."""
    with pytest.raises(ConfigurationError, match="fitted on its values"):
        make_watch(extractors={"city": "text"})
    with pytest.raises(ConfigurationError, match="the baseline another"):
        make_watch(baseline=reviews, extractors={"review": "image"})
    make_watch(baseline=reviews, extractors={"review": "text"})


def test_a_watch_describes_what_its_baseline_describes(
    make_watch: MakeWatch, reviews: mw.Baseline
) -> None:
    """Rows, lists of rows, frames and columns; the text itself reaches no profile."""
    watched = make_watch(baseline=reviews)

    @watched.watch
    def predict(features: Any) -> None:
        return None

    row = {"review": "A secret word", "stars": 5}
    predict(row)
    predict([row, row])
    predict(pd.DataFrame([row, row, row]))
    predict({"review": ["A secret word"] * 2, "stars": [5, 4]})
    profile = watched.profile()
    assert {feature.observed for feature in profile.features.values()} == {8}
    assert profile.features.keys() == reviews.features.keys()
    assert "secret" not in profile.to_json()


def test_a_text_that_is_missing_counts_as_missing(
    make_watch: MakeWatch, reviews: mw.Baseline
) -> None:
    """Null, absent, and what cannot be described, in each descriptor that the baseline has."""
    watched = make_watch(baseline=reviews)

    @watched.watch
    def predict(features: Any) -> None:
        return None

    predict({"review": None, "stars": 5})
    predict({"stars": 5})
    predict({"review": 3, "stars": 5})
    predict([{"review": None, "stars": 5}, {"review": "a", "stars": 5}])
    features = watched.profile().features
    length = features["review.length"]
    assert (length.observed, dict(length.missing)) == (1, {"null": 3, "absent": 1})
    assert features["stars"].observed == 5


def test_descriptors_are_checked_inline(make_watch: MakeWatch, texts: mw.Baseline) -> None:
    """A text such as never was in training is an outlier before the prediction is made."""
    watched = make_watch(baseline=texts)

    @watched.watch
    def predict(text: str) -> dict[str, str]:
        prediction = mw.current_prediction()
        return dict(prediction.outliers) if prediction is not None else {}

    assert predict("Word " * 10) == {}
    assert predict("Word " * 5_000)["text.length"] == "range"


@pytest.mark.parametrize("has_baseline", [True, False])
def test_the_only_parameter_may_be_the_text(
    make_watch: MakeWatch, texts: mw.Baseline, *, has_baseline: bool
) -> None:
    """As may a list of texts, in a function of any signature, and by `log`."""
    watched = (
        make_watch(baseline=texts)
        if has_baseline
        else make_watch(baseline=None, extractors={"text": "text"})
    )

    @watched.watch
    def predict(text: str) -> None:
        return None

    @watched.watch(inputs="document")
    def classify(client: object, document: str) -> None:
        return None

    @watched.watch
    def predict_all(texts: list[str]) -> None:
        return None

    predict("one")
    predict(text="two")
    classify(object(), "three")
    watched.watch.log("four", None)
    predict_all(["five", "six"])
    predict_all(["seven"])
    counts = observed(watched)
    assert counts["text.length"] == 7
    assert {name.partition(".")[0] for name in counts} == {"text"}


@pytest.mark.parametrize(
    ("name", "value", "descriptor"),
    [
        ("image", np.full((8, 9, 3), 128, dtype=np.uint8), "mean"),
        ("embedding", [0.1, 0.2, 0.3], "norm"),
        ("embedding", FakeTensor([0.1, 0.2], requires_grad=True), "norm"),
    ],
)
def test_the_only_parameter_may_be_an_array(
    make_watch: MakeWatch, name: str, value: Any, descriptor: str
) -> None:
    """An image or a vector, alone, in a row, and several of them in a list."""
    watched = make_watch(baseline=None, extractors={"given": name})

    @watched.watch
    def predict(given: Any) -> None:
        return None

    predict(value)
    predict({"given": value})
    predict([value, value])
    predict({"given": [value, value]})
    assert observed(watched)[f"given.{descriptor}"] == 6


def test_values_are_described_before_the_call(make_watch: MakeWatch) -> None:
    """A function that overwrites its image does not change what is captured."""
    watched = make_watch(baseline=None, extractors={"image": "image"})

    @watched.watch
    def predict(image: np.ndarray[Any, Any]) -> None:
        image[:] = 255

    predict(np.zeros((4, 4), dtype=np.uint8))
    moments = watched.profile().features["image.mean"].moments
    assert moments is not None
    assert moments.maximum == 0.0


def test_a_copied_watch_keeps_what_was_declared(make_watch: MakeWatch) -> None:
    """Names and extractors survive pickling and copying."""
    watched = make_watch(baseline=None, feature_names=["a"], extractors={"t": "text"})
    for other in (copy.deepcopy(watched.watch), pickle.loads(pickle.dumps(watched.watch))):
        assert other.feature_names == ("a",)
