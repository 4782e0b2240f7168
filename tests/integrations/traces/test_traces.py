from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.integrations.traces.backends import UNUSUAL, USUAL, Backends, wait_for

REQUEST = "POST /risk"
PREDICTION = "predict loans"
INSIDE = "look up earlier loans"
NAMES = {REQUEST, PREDICTION, INSIDE}
OUTLIER_EVENT = "modelwatch.outlier"

Trace = dict[str, dict[str, Any]]


def new_trace(backends: Backends, loan: dict[str, Any]) -> Trace:
    """Ask for a prediction, and return the spans of the trace that Phoenix then has, by name."""
    before = {span["context"]["trace_id"] for span in backends.spans()}
    backends.ask(loan)

    def look() -> Trace | None:
        traces: dict[str, Trace] = defaultdict(dict)
        for span in backends.spans():
            traces[span["context"]["trace_id"]][span["name"]] = span
        new = (found for trace_id, found in traces.items() if trace_id not in before)
        return next((found for found in new if found.keys() >= NAMES), None)

    return wait_for(look, f"the spans {sorted(NAMES)}")


@pytest.mark.slow
def test_a_backend_shows_the_prediction_below_its_request(backends: Backends) -> None:
    """The prediction's span is the request's child, names its model, and what happens is below."""
    trace = new_trace(backends, USUAL)
    request, prediction, inside = trace[REQUEST], trace[PREDICTION], trace[INSIDE]
    assert request["parent_id"] is None
    assert prediction["parent_id"] == request["context"]["span_id"]
    assert inside["parent_id"] == prediction["context"]["span_id"]
    attributes = flat(prediction["attributes"])
    assert attributes["modelwatch.model.name"] == "loans"
    assert attributes["modelwatch.model.version"] == "2"
    assert len(attributes["modelwatch.prediction.id"]) == 36
    assert not any("outlier" in name for name in attributes)


@pytest.mark.slow
def test_a_backend_shows_outliers_and_their_event(backends: Backends) -> None:
    """The span names features and rules; the log event is found by trace id and span id."""
    prediction = new_trace(backends, UNUSUAL)[PREDICTION]
    attributes = flat(prediction["attributes"])
    assert attributes["modelwatch.outlier.features"] == ["amount", "purpose"]
    assert attributes["modelwatch.outlier.rules"] == ["range", "unseen_category"]
    ids, event = prediction["context"], f"EventName: {OUTLIER_EVENT}\n"

    def look() -> list[str]:
        records = backends.logs.read_text(errors="replace").split("LogRecord #")
        return [one for one in records if ids["trace_id"] in one and event in one]

    (record,) = wait_for(look, "the outlier's log event")
    assert ids["span_id"] in record
    assert attributes["modelwatch.prediction.id"] in record
    assert "9000000" not in record


def flat(attributes: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return attributes by their dotted names, however deep the backend's answer nests them."""
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        below = flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {}
        found |= below or {f"{prefix}{name}": value}
    return found
