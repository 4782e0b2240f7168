"""Predictions and labels that watches tell are joined by a real collector."""

from __future__ import annotations

from typing import Any

import pytest

import modelwatch as mw
from tests import plain_http
from tests.cli.conftest import running_collector

__all__ = ["running_collector"]

Row = dict[str, Any]
RATE = 0.5
MANY = 200


def half(features: Row) -> float:
    """Return a score."""
    return 0.5


def halves(features: list[Row]) -> list[float]:
    """Return a score for each row."""
    return [0.5] * len(features)


@pytest.mark.slow
def test_labels_of_a_sample_are_told_apart_from_lost_ones(
    running_collector: dict[str, str], baseline: mw.Baseline, row: Row
) -> None:
    """By ids of the client's, of ours, of rows and of batches: what the sample left out never
    waits for its prediction, and each other label finds it."""
    watch = mw.Watch("m", version="1", baseline=baseline, endpoint=running_collector["otlp"])
    predict = watch(sample_rate=RATE)(half)
    by_order = watch(sample_rate=RATE, prediction_id="order")(half)
    batch = watch(sample_rate=RATE)(halves)
    ids: list[str] = []
    for place in range(MANY):
        for given in (f"client-{place}", None):
            with mw.prediction_scope(given) as prediction:
                predict(row)
            ids.append(prediction.id)
            with mw.prediction_scope(given and f"batch-{place}") as prediction:
                batch([row, row])
            ids += [f"{prediction.id}/{at}" for at in range(2)]
        by_order(row | {"order": f"order-{place}"})
        ids.append(f"order-{place}")
    assert watch.shutdown(timeout_seconds=30.0)
    labelling = mw.Watch("m", version="any", endpoint=running_collector["otlp"])
    labelling.record_labels(ids, [True] * len(ids))
    assert labelling.shutdown(timeout_seconds=30.0)
    url = f"{running_collector['pages']}/api/v1/models/m/versions/1/labels?window=1h"
    found = plain_http.get(url).json()
    sampled = sum(mw.is_sampled(one, RATE) for one in ids)
    assert 0 < sampled < len(ids)
    assert (found["predictions"], found["labelled"]) == (sampled, sampled)
    assert found["of_model"]["waiting"] == 0, found
