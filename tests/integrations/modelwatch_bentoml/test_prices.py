"""One service with a method of each kind is served by two workers, asked, and stopped by TERM."""

from __future__ import annotations

import json

import httpx
import pytest

import modelwatch as mw
from tests.integrations.modelwatch_bentoml.asking import (
    BATCHES,
    GIVEN_ID,
    REQUESTS,
    Answers,
    ask_all,
)
from tests.integrations.modelwatch_bentoml.serving import Served, serve

TRAINING = {
    "area": [30.0 + number % 100 for number in range(1_000)],
    "rooms": [1 + number % 5 for number in range(1_000)],
}
WITH_BASELINE = ("array", "batch_array", "below", "refuse")
ROUTES = ("above", "above/async", "below", "keywords", "model", "root")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Answers]:
    """What the service answered, and what was told of it once it had stopped."""
    folder = tmp_path_factory.mktemp("baselines")
    for model in WITH_BASELINE:
        mw.Baseline.fit(TRAINING, model=model, version="1").save(folder / f"{model}.json")
    with serve("prices:Prices", variables={"PRICES_BASELINES": str(folder)}) as service:
        answers = ask_all(service.client)
    return service, answers


@pytest.fixture(scope="module")
def service(outcome: tuple[Served, Answers]) -> Served:
    """The service, which has stopped."""
    return outcome[0]


@pytest.fixture(scope="module")
def answers(outcome: tuple[Served, Answers]) -> Answers:
    """What it answered."""
    return outcome[1]


def ids_of(answers: list[httpx.Response]) -> set[str]:
    """Return the different prediction ids of responses that have one."""
    return {answer.headers["x-prediction-id"] for answer in answers}


@pytest.mark.parametrize("path", ["above", "above/async"])
def test_watch_above_the_api_captures(path: str, service: Served, answers: Answers) -> None:
    """A method with @watch above @bentoml.api is served, and each of its calls is told once."""
    assert [answer.json() for answer in answers[path]] == [150.0] * REQUESTS
    model = path.replace("/", "_")
    assert service.predictions(model) == {"": REQUESTS}
    assert service.rows(model) == REQUESTS
    assert {"area", "rooms"} < service.features(model)


def test_watch_below_the_api_captures(service: Served, answers: Answers) -> None:
    """A method with @watch below @bentoml.api is served, and each of its calls is told once."""
    assert [answer.json() for answer in answers["below"]] == [150.0] * REQUESTS
    assert service.predictions("below") == {"": REQUESTS + 3}
    assert {"area", "rooms"} <= service.features("below")


@pytest.mark.parametrize("path", ["model", "root"])
def test_named_routes_are_captured(path: str, service: Served, answers: Answers) -> None:
    """Methods of named routes are captured as they are: async, with a context, one root input."""
    assert [answer.json() for answer in answers[path]] == [150.0] * REQUESTS
    assert service.predictions(path) == {"": REQUESTS}
    assert {"area", "rooms"} < service.features(path)


def test_keyword_features_and_failures(service: Served, answers: Answers) -> None:
    """Each parameter is a feature; a failure is counted by its type, an invalid request too."""
    assert [answer.json() for answer in answers["keywords"]] == [150.0] * REQUESTS
    assert answers["failed"][0].status_code == 500
    assert [answer.status_code for answer in answers["invalid"]] == [400, 400]
    expected = {"": REQUESTS, "ZeroDivisionError": 1, "ValidationError": 2}
    assert service.predictions("keywords") == expected
    assert {"area", "rooms"} < service.features("keywords")


@pytest.mark.parametrize("path", ["array", "frame"])
def test_tables_are_captured_by_row(path: str, service: Served, answers: Answers) -> None:
    """An array with names from the baseline, and a frame: one prediction, as many rows."""
    assert all(answer.json()[0] == 150.0 for answer in answers[path])
    assert service.predictions(path) == {"": REQUESTS}
    assert service.rows(path) == 2 * REQUESTS
    assert {"area", "rooms"} <= service.features(path)


@pytest.mark.parametrize("path", ["stream", "stream_async"])
def test_streams_are_counted_once(path: str, service: Served, answers: Answers) -> None:
    """A streamed answer arrives whole, and is one prediction."""
    assert [answer.text for answer in answers[path]] == ["0;1;2;"] * REQUESTS
    assert service.predictions(path) == {"": REQUESTS}
    assert len(ids_of([*answers[path]])) == REQUESTS


@pytest.mark.parametrize("path", ["batch", "batch_array"])
def test_merged_batches(path: str, service: Served, answers: Answers) -> None:
    """A batchable method's rows are told once each; each merged batch is one prediction."""
    sizes = [size for answer in answers[path] for size in answer.json()]
    calls = round(sum(1 / size for size in sizes))
    assert len(sizes) == sum(BATCHES)
    assert service.rows(path) == sum(BATCHES)
    assert service.predictions(path) == {"": calls}
    assert not any("x-prediction-id" in answer.headers for answer in answers[path])


def test_known_predictions(service: Served, answers: Answers) -> None:
    """Each is told by the id in the answer's header; of merged requests none is, as nobody has the
    id of the merged batch."""
    for path, model in (("root", "root"), ("model", "model"), ("inside", "inner")):
        assert sorted(service.known[model]) == sorted(ids_of([*answers[path]]))
    assert not service.known.keys() & {"batch", "batch_array"}


def test_inner_function(service: Served, answers: Answers) -> None:
    """A watched function that a method calls makes the request's prediction."""
    assert [answer.json() for answer in answers["inside"]] == [150.0] * REQUESTS
    assert service.predictions("inner") == {"": REQUESTS}
    assert len(ids_of([*answers["inside"]])) == REQUESTS


def test_task(service: Served, answers: Answers) -> None:
    """A task's prediction is counted once, and named where the task is submitted."""
    submitted, done = answers["task"]
    assert done.json() == 150.0
    assert submitted.headers["x-prediction-id"]
    assert service.predictions("task") == {"": 1}


def test_both_workers_tell(service: Served, answers: Answers) -> None:
    """Both workers tell of all their predictions when they are stopped."""
    assert service.predictions("worker") == {"": len(answers["worker"])}
    assert len(service.instances("worker")) == 2


def test_prediction_ids(answers: Answers) -> None:
    """Each prediction has an id of its own, or the one that the client gave, if it is usable."""
    for path in ROUTES:
        assert len(ids_of([*answers[path]])) == REQUESTS
    assert ids_of([*answers["given id"]]) == {GIVEN_ID}
    assert len(ids_of([*answers["unusable id"]])) == 1
    assert ids_of([*answers["unusable id"]]) != {"two words"}
    assert "x-prediction-id" not in answers["health"][0].headers


def test_outliers_are_named(answers: Answers) -> None:
    """An unusual input is answered as any other, and named in a header."""
    (answer,) = answers["outlier"]
    assert answer.status_code == 200
    assert answer.headers["x-modelwatch-outliers"] == "area=range"
    assert "x-modelwatch-outliers" not in answers["below"][0].headers


def test_refused_inputs(service: Served, answers: Answers) -> None:
    """A refused input is answered with 422 in BentoML's form, and counted as such."""
    (answer,) = answers["refused"]
    assert answer.status_code == 422
    assert "area (range)" in json.dumps(answer.json())
    assert answer.headers["x-modelwatch-outliers"] == "area=range"
    assert service.predictions("refuse") == {"": REQUESTS, "OutlierRejected": 1}


def test_nothing_failed_inside(service: Served) -> None:
    """No process wrote of a fault of the watch, of features that it could not read, or of an export
    that failed.
    """
    said = [line for line in service.output.splitlines() if "modelwatch:" in line]
    assert [line for line in said if "captured 0 rows" not in line] == []
