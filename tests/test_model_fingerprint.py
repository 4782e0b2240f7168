from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelwatch as mw
from modelwatch.errors import ConfigurationError, FormatError
from modelwatch.model_fingerprint import Fingerprint, fingerprint

MODELS: dict[str, Callable[[], Any]] = {
    "linear": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": lambda: RandomForestClassifier(10, random_state=1),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=10, random_state=1),
}


def fitted(name: str, seed: int = 0) -> Any:
    """Return a model fitted on rows of a seed."""
    rows = np.random.default_rng(seed).normal(size=(200, 4))
    return MODELS[name]().fit(rows, rows[:, 0] + rows[:, 1] > 0)


@pytest.mark.parametrize("name", MODELS)
def test_an_object_is_known_again(name: str) -> None:
    """Fitted again, saved and loaded, or used: one hash; fitted on other data: another."""
    model = fitted(name)
    first = fingerprint(model)
    assert fingerprint(fitted(name)) == first
    assert fingerprint(pickle.loads(pickle.dumps(model))) == first
    model.predict(np.zeros((3, 4)))
    assert fingerprint(model) == first
    assert fingerprint(fitted(name, seed=1)).model_hash != first.model_hash
    assert {"sklearn", "numpy"} <= first.libraries.keys()
    assert first.libraries["numpy"] == np.__version__
    assert first.model_type.startswith("sklearn.")


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    """The hash is what sha256sum says."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights" * 500_000)
    found = fingerprint(path, libraries=["numpy"])
    assert (found.source, found.model_hash) == (
        "file",
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    assert found.libraries == {"numpy": np.__version__}


def test_sets_have_no_order(tmp_path: Path) -> None:
    """Another process, in which texts have other hashes, finds the same."""
    program = (
        "from modelwatch.model_fingerprint import fingerprint\n"
        "print(fingerprint({'names': set('abcdef'), 'more': frozenset('xyz')}).model_hash)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_an_object_that_holds_itself_has_a_hash() -> None:
    """There is an end to it."""
    model: dict[str, Any] = {"weights": [1.0, 2.0]}
    model["self"] = model
    assert len(fingerprint(model).model_hash) == 64


@pytest.mark.parametrize(
    ("model", "libraries", "named"),
    [
        ("absent.bin", None, "absent.bin"),
        (threading.Lock(), None, "pickled.*file"),
        (None, ["no-such-library"], "no-such-library"),
        (None, "numpy", "libraries"),
        (None, [3], "libraries"),
    ],
)
def test_what_has_no_fingerprint_is_refused(model: object, libraries: Any, named: str) -> None:
    """The message names it and the remedy."""
    with pytest.raises(ConfigurationError, match=named):
        fingerprint(model, libraries=libraries)


def test_mismatches_are_told_by_part() -> None:
    """Only what both sides know is compared, and Python but for its last number."""
    base = Fingerprint(
        source="file", model_hash="a" * 64, libraries={"x": "1", "y": "1"}, runtime="3.11.4"
    )
    other = Fingerprint(
        source="file", model_hash="b" * 64, libraries={"x": "2", "z": "1"}, runtime="3.11.9"
    )
    assert other.mismatches(base) == {"model.hash": ("a" * 64, "b" * 64), "x": ("1", "2")}
    assert base.mismatches(base) == {}
    of_object = Fingerprint(source="object", model_hash="c" * 64, runtime="3.12.0")
    assert of_object.mismatches(base) == {"python": ("3.11.4", "3.12.0")}


def test_a_baseline_keeps_it(tmp_path: Path) -> None:
    """It survives the document; documents without one are read, and have the ids that they had."""
    data = {"x": np.arange(200.0)}
    taken = fingerprint(fitted("linear"))
    plain = mw.Baseline.fit(data, model="m", version="1")
    baseline = mw.Baseline.fit(data, model="m", version="1", fingerprint=taken)
    baseline.save(tmp_path / "m.json")
    assert mw.Baseline.load(tmp_path / "m.json").fingerprint == taken
    assert mw.Baseline.from_json(plain.to_json()).fingerprint is None
    assert "fingerprint" not in json.loads(plain.to_json())
    assert baseline.id != plain.id
    not_one: Any = "sha256"
    with pytest.raises(ConfigurationError, match="fingerprint"):
        mw.Baseline.fit(data, model="m", version="1", fingerprint=not_one)


@pytest.mark.parametrize(
    "change",
    [{"source": "disk"}, {"model_hash": "abc"}, {"source": "none"}, {"libraries": {"x": 1}}],
)
def test_a_damaged_document_is_refused(change: dict[str, Any]) -> None:
    """A hash is one, and belongs to something."""
    body = Fingerprint(source="file", model_hash="a" * 64).to_dict()
    with pytest.raises(FormatError):
        Fingerprint.from_dict(body | change)
