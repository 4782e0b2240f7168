"""Serve one version of a model, have another predict the same in its shadow, and label both."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

import httpx
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import modelwatch as mw

MODEL, STABLE, CANDIDATE = "fraud", "3", "4"
TRAINING_ROWS, SERVED_ROWS = 6_000, 2_000


class Version(NamedTuple):
    """A version of the model, and what it was validated on."""

    name: str
    classifier: ClassifierMixin
    baseline: mw.Baseline


class Tables(NamedTuple):
    """What is trained on, and what comes in later, with the truth of both."""

    training: pd.DataFrame
    training_truth: pd.Series
    served: pd.DataFrame
    served_truth: pd.Series


def tables(seed: int = 0) -> Tables:
    """Make payments of which a tenth are fraud."""
    values, truth = make_classification(
        TRAINING_ROWS + SERVED_ROWS,
        n_features=8,
        n_informative=5,
        weights=[0.9],
        class_sep=0.8,
        random_state=seed,
    )
    frame = pd.DataFrame(values, columns=[f"signal_{at}" for at in range(8)])
    split = train_test_split(frame, pd.Series(truth == 1), test_size=SERVED_ROWS, random_state=seed)
    training, served, training_truth, served_truth = split
    return Tables(training, training_truth, served, served_truth)


def versions(known: Tables) -> list[Version]:
    """Train the stable version and the candidate, and fit the baseline of each on held out rows."""
    rows, held_out, truth, held_out_truth = train_test_split(
        known.training, known.training_truth, test_size=0.5, random_state=1
    )
    plain = LogisticRegression(max_iter=1_000)
    quadratic = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=1_000)
    )
    found = []
    for name, classifier in ((STABLE, plain), (CANDIDATE, quadratic)):
        classifier.fit(rows.to_numpy(), truth)
        score = classifier.predict_proba(held_out.to_numpy())[:, 1]
        table = held_out.assign(score=score, fraud=score > 0.5, label=held_out_truth)
        baseline = mw.Baseline.fit(
            table, model=MODEL, version=name, prediction="fraud", score="score", label="label"
        )
        found.append(Version(name, classifier, baseline))
    return found


def serve(known: Tables, stable: Version, candidate: Version, *, collector: str) -> int:
    """Predict every row twice, answer with the stable version, and label all; return how many."""
    watches = {
        one.name: mw.Watch(MODEL, version=one.name, baseline=one.baseline)
        for one in (stable, candidate)
    }

    def predictor(version: Version) -> Callable[[dict[str, float]], dict[str, object]]:
        @watches[version.name]
        def predict(features: dict[str, float]) -> dict[str, object]:
            score = float(version.classifier.predict_proba([list(features.values())])[0, 1])
            return {"fraud": score > 0.5, "score": score}

        return predict

    answer, shadow = predictor(stable), predictor(candidate)
    ids = []
    for values in known.served.to_numpy().tolist():
        row = dict(zip(known.served.columns, values, strict=True))
        with mw.prediction_scope() as prediction:
            answer(row)
        # The same id: so the collector knows that both predicted the same thing. A service does
        # this in a thread of its own, where nobody waits for it.
        with mw.prediction_scope(prediction.id):
            shadow(row)
        ids.append(prediction.id)
    # Weeks later, say: one label is of both versions' predictions of its id.
    watches[stable.name].record_labels(ids, known.served_truth.tolist())
    for watch in watches.values():
        if not watch.shutdown(30):
            sys.exit(f"not everything was delivered: does a collector run at {collector}?")
    return len(ids)


def main() -> None:
    """Train, push baselines, serve and label."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collector", default="http://127.0.0.1:4319", help="its API")
    parser.add_argument("--otlp", default="http://127.0.0.1:4318", help="its OTLP receiver")
    asked = parser.parse_args()
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = asked.otlp
    known = tables()
    stable, candidate = versions(known)
    for one in (stable, candidate):
        path = f"/api/v1/models/{MODEL}/versions/{one.name}/baseline"
        httpx.put(asked.collector + path, content=one.baseline.to_json()).raise_for_status()
    rows = serve(known, stable, candidate, collector=asked.otlp)
    print(f"{rows} rows were predicted by both and labelled. Compare the two:")
    print(f"  modelwatch rollout {MODEL} --collector {asked.collector}")


if __name__ == "__main__":
    main()
