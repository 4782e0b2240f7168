"""Two versions of a model at a running collector: compared, told of, and asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwatch.cli.application import run
from modelwatch.collector.alerting.options import AlertingOptions
from tests import plain_http
from tests.collector.alerting.listening import Listener, listening
from tests.collector.conftest import NOW_NS, Running, Start, eventually
from tests.collector.rollouts.versions import CANDIDATE, MODEL, STABLE, Versions
from tests.collector.security.conftest import StoreTokens, bearer
from tests.collector.serving.test_pages import Page

ROWS = 1_200
HTML = "text/html; charset=utf-8"


def configured(path: Path, rollout: str = "", listener: Listener | None = None) -> AlertingOptions:
    """Return a configuration that looks at versions every second."""
    text = f'rules = []\n[rollout]\ninterval = "1s"\n{rollout}\n'
    if listener is not None:
        text += (
            f'[[notify]]\nkind = "webhook"\nname = "pipeline"\nurl = "{listener.url}"\n'
            'suggestions = ["roll_back", "promote", "retrain"]\n'
        )
    path.write_text(text)
    return AlertingOptions(config_path=path, environment={})


def moving() -> Callable[[], int]:
    """Return a clock that starts at the tests' time and goes on."""
    began = time.monotonic_ns()
    return lambda: NOW_NS + time.monotonic_ns() - began


def shadowed(versions: Versions, *, noise: float, rows: int = ROWS) -> None:
    """Have both versions predict the same rows, the candidate with a noise, and label them."""
    rng = np.random.default_rng(1)
    score = rng.beta(2, 5, rows)
    truth = (rng.random(rows) < score).tolist()
    other = np.clip(score + rng.normal(0, noise, rows), 0, 1)
    ids = [f"id-{at}" for at in range(rows)]
    for version, scores in ((STABLE, score), (CANDIDATE, other)):
        for window in range(10):
            versions.calls(version, window=window)
        versions.predictions(version, ids, scores)
    versions.labels(ids, truth)


def asked(collector: Running, token: str | None = None, **parameters: str) -> Any:
    """Ask for the comparison."""
    return plain_http.get(
        f"{collector.api}/api/v1/models/{MODEL}/rollout",
        params=parameters,
        headers=bearer(token) if token else {},
        timeout=60,
    )


def paired(collector: Running) -> int:
    """Return of how many pairs the label is known."""
    agreement = asked(collector).json().get("agreement") or {}
    return int(agreement.get("labelled", 0))


def suggestions(collector: Running, token: str | None = None, **parameters: str) -> list[Any]:
    """Ask for the suggestions."""
    answer = plain_http.get(
        f"{collector.api}/api/v1/suggestions",
        params=parameters,
        headers=bearer(token) if token else {},
    )
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["suggestions"]
    return found


def test_a_worse_candidate_is_to_be_rolled_back_and_whoever_asked_is_told_once(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The comparison, the kept suggestion, the webhook and the command line say the same."""
    with listening() as listener:
        options = configured(tmp_path / "modelwatch.toml", listener=listener)
        collector = start(alerting=options, clock=moving())
        versions = Versions(collector)
        versions.push()
        shadowed(versions, noise=0.6)
        assert eventually(lambda: paired(collector) == ROWS)
        found = asked(collector).json()
        assert found["suggestion"] == "roll_back"
        assert (found["stable"]["version"], found["candidate"]["version"]) == (STABLE, CANDIDATE)
        assert found["stable"]["labelled"] == found["candidate"]["labelled"] == ROWS
        worse = [one["name"] for one in found["evidence"] if one["standing"] == "worse"]
        assert "accuracy" in worse
        assert found["evidence"][0]["paired"]
        assert found["agreement"]["pairs"] == found["agreement"]["labelled"] == ROWS
        right = [found["agreement"][f"{who}_right"] for who in ("both", "only_stable")]
        stable = found["evidence"][0]["stable"]
        assert sum(right) == pytest.approx(stable * ROWS)
        assert found["words"].startswith(f"Roll {CANDIDATE} back to {STABLE}: ")
        assert eventually(lambda: bool(listener.heard))
        told = listener.heard[0].document
        assert (told["kind"], told["suggestion"]["suggestion"]) == ("suggestion", "roll_back")
        assert told["suggestion"]["version"] == CANDIDATE
        assert listener.heard[0].headers["webhook-id"] == told["id"]
        (kept,) = suggestions(collector)
        assert kept == told["suggestion"]
        where = ["--collector", collector.api]
        assert run(["rollout", MODEL, *where]) == 1
        assert "Roll 4 back to 3" in capsys.readouterr().out
        assert run(["rollout", MODEL, "--json", *where]) == 1
        assert json.loads(capsys.readouterr().out)["suggestion"] == "roll_back"
        assert run(["rollout", MODEL, "--candidate", STABLE, "--stable", CANDIDATE, *where]) == 0


def test_the_page_says_the_same_in_words(start: Start, tmp_path: Path) -> None:
    """Verdict, measures with their limits, agreement and distributions; and how to get there."""
    collector = start(alerting=configured(tmp_path / "modelwatch.toml"), clock=moving())
    versions = Versions(collector)
    versions.push()
    page = f"{collector.api}/models/{MODEL}/rollout"
    nothing = plain_http.get(page)
    assert (nothing.status_code, nothing.headers["content-type"]) == (404, HTML)
    versions.calls(STABLE)
    versions.calls(CANDIDATE, failing=0.5, shift=30)
    assert eventually(lambda: plain_http.get(page).status_code == 200)
    found = Page(plain_http.get(page))
    assert f"{MODEL} {CANDIDATE} against {STABLE}" in found.text
    assert "modelwatch labels push labels.csv --model fraud" in found.text
    assert "amount differs" in found.text
    shadowed(versions, noise=0.6)
    assert eventually(lambda: paired(collector) == ROWS)
    found = Page(plain_http.get(page))
    assert "Roll back" in found.text
    assert f"{ROWS:,} predictions were made by both under the same id." in found.text
    assert "Accuracy is 0." in found.text
    assert len(found.all("svg")) >= 4
    assert f"/models/{MODEL}/rollout?stable=4&candidate=3" in [a["href"] for a in found.all("a")]
    version = Page(plain_http.get(f"{collector.api}/models/{MODEL}/versions/{STABLE}"))
    assert f"/models/{MODEL}/rollout" in [link["href"] for link in version.all("a")]


def test_a_candidate_that_surely_is_no_worse_is_to_be_promoted(
    start: Start, tmp_path: Path
) -> None:
    """With a margin that the rows can tell, a twin is promoted."""
    options = configured(tmp_path / "modelwatch.toml", "margin = 0.1\nerror_margin = 0.05")
    collector = start(alerting=options, clock=moving())
    versions = Versions(collector)
    versions.push()
    shadowed(versions, noise=0.01)
    assert eventually(lambda: [one["suggestion"] for one in suggestions(collector)] == ["promote"])
    found = asked(collector).json()
    assert found["suggestion"] == "promote"
    assert found["drift"]["state"] == "no_drift"


def test_failing_calls_are_enough(start: Start, tmp_path: Path) -> None:
    """Without any label, a candidate whose calls fail is to be rolled back."""
    collector = start(alerting=configured(tmp_path / "modelwatch.toml"), clock=moving())
    versions = Versions(collector)
    versions.push()
    for window in range(10):
        versions.calls(STABLE, window=window, failing=0.005)
        versions.calls(CANDIDATE, window=window, failing=0.1, seconds=0.08, shift=30)
    assert eventually(lambda: asked(collector).json().get("candidate", {}).get("calls") == 5_000)
    found = asked(collector, candidate=CANDIDATE, stable=STABLE).json()
    worse = [one["name"] for one in found["evidence"] if one["standing"] == "worse"]
    assert worse == ["error_rate", "latency_seconds"]
    assert found["suggestion"] == "roll_back"
    assert found["agreement"] is None
    assert found["drift"]["features"][0]["name"] == "amount"


def test_one_version_is_compared_with_none(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is named, with the remedy; nothing is suggested."""
    collector = start(alerting=configured(tmp_path / "modelwatch.toml"), clock=moving())
    versions = Versions(collector)
    versions.push()
    versions.calls(STABLE)
    assert eventually(lambda: asked(collector).json()["type"].endswith("no-rollout"))
    answer = asked(collector)
    assert answer.status_code == 404
    assert "give stable and candidate, of " in answer.json()["detail"]
    silent = asked(collector, candidate=CANDIDATE, stable=STABLE)
    assert (silent.status_code, silent.json()["title"]) == (409, "No data")
    same = asked(collector, candidate=STABLE, stable=STABLE)
    assert (same.status_code, same.json()["title"]) == (400, "Same version")
    unknown = asked(collector, candidate="9", stable=STABLE)
    assert (unknown.status_code, unknown.json()["title"]) == (404, "Unknown version")
    late = asked(collector, candidate=STABLE, stable=CANDIDATE, since="2099-01-01T00:00:00Z")
    assert (late.status_code, late.json()["title"]) == (400, "Invalid window")
    assert suggestions(collector) == []
    assert run(["rollout", MODEL, "--collector", collector.api]) == 2
    assert "give stable and candidate" in capsys.readouterr().err


def test_who_may_read_other_models_alone_is_told_nothing(start: Start, tmp_path: Path) -> None:
    """A token of some models reads comparisons and suggestions of these alone."""
    options = configured(tmp_path / "modelwatch.toml", "margin = 0.1\nerror_margin = 0.05")
    collector = start(alerting=options, clock=moving())
    versions = Versions(collector)
    versions.push()
    shadowed(versions, noise=0.01)
    assert eventually(lambda: len(suggestions(collector)) == 1)
    tokens = StoreTokens(tmp_path / "store.sqlite")
    own, other = (
        tokens.make("own", "read", models=(MODEL,)),
        tokens.make("o", "read", models=("x",)),
    )
    assert eventually(lambda: asked(collector).status_code == 401)
    assert asked(collector, own).status_code == 200
    assert asked(collector, other).status_code == 404
    assert len(suggestions(collector, own)) == 1
    assert suggestions(collector, other) == []
