"""Performance in a comparison, against scikit-learn on the raw rows and the direct formulas."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics as sk

import modelwatch as mw
from modelwatch.profile import Profile
from tests.labelled_tables import (
    CLASSES,
    Table,
    binary_table,
    fitted,
    is_yes,
    regression_table,
    several_table,
    without,
)


@pytest.fixture(scope="session")
def binary() -> mw.Baseline:
    """A classifier with one score column."""
    return fitted(binary_table(0, 10_000), score="score")


@pytest.fixture(scope="session")
def named() -> mw.Baseline:
    """The same, with the class of the score told."""
    return fitted(binary_table(0, 10_000), score={"yes": "score"})


@pytest.fixture(scope="session")
def several() -> mw.Baseline:
    """A classifier of three classes."""
    return fitted(several_table(0), score={name: f"p_{name}" for name in CLASSES})


@pytest.fixture(scope="session")
def regression() -> mw.Baseline:
    """A regression."""
    return fitted(regression_table(0, 10_000))


@pytest.mark.parametrize("kind", ["binary", "named"])
def test_realised_metrics_are_those_of_the_raw_rows(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """With labels, every metric is scikit-learn's, and its interval holds it."""
    baseline = request.getfixturevalue(kind)
    now = binary_table(1)
    found = mw.compare(baseline, now).performance
    truth, guess, score = is_yes(now, "label"), is_yes(now, "predicted"), now["score"]
    expected = {
        "accuracy": sk.accuracy_score(truth, guess),
        "precision": sk.precision_score(truth, guess),
        "recall": sk.recall_score(truth, guess),
        "f1": sk.f1_score(truth, guess),
        "brier": sk.brier_score_loss(truth, score),
        "log_loss": sk.log_loss(truth, score),
    }
    for name, value in expected.items():
        assert found[name].realized == pytest.approx(value, abs=1e-12)
    assert found["roc_auc"].realized == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-4)
    for metric in found.values():
        assert metric.rows <= 4_000
        assert metric.lower is not None
        assert metric.upper is not None
        assert metric.realized is not None
        assert metric.lower <= metric.realized <= metric.upper


def test_the_reference_is_the_performance_on_the_baseline(binary: mw.Baseline) -> None:
    """What is compared with is the realised performance of the rows that were fitted on."""
    then = binary_table(0, 10_000)
    found = mw.compare(binary, binary_table(1)).performance
    truth, guess = is_yes(then, "label"), is_yes(then, "predicted")
    assert found["accuracy"].reference == pytest.approx(sk.accuracy_score(truth, guess), abs=1e-12)
    area = sk.roc_auc_score(truth, then["score"])
    assert found["roc_auc"].reference == pytest.approx(area, abs=1e-4)


def test_estimates_are_those_of_the_rows(binary: mw.Baseline) -> None:
    """Without labels, each row counts with its calibrated probability: the sums are the rows'."""
    now = without(binary_table(2, shift=0.5), "label")
    found = mw.compare(binary, now).performance
    assert binary.performance is not None
    chance = binary.performance.calibrations["yes"].apply(now["score"])
    guess = is_yes(now, "predicted")
    tp, fp, fn = chance[guess].sum(), (1 - chance[guess]).sum(), chance[~guess].sum()
    right = (tp + (1 - chance[~guess]).sum()) / guess.size
    assert found["accuracy"].estimated == pytest.approx(right, rel=1e-12)
    assert found["precision"].estimated == pytest.approx(tp / (tp + fp), rel=1e-12)
    assert found["recall"].estimated == pytest.approx(tp / (tp + fn), rel=1e-12)
    assert found["f1"].estimated == pytest.approx(2 * tp / (2 * tp + fp + fn), rel=1e-12)
    for metric in found.values():
        assert metric.realized is None
        assert "no concept drift" in (metric.condition or "")


def test_estimates_foretell_what_labels_will_say(binary: mw.Baseline) -> None:
    """Where the mapping is unchanged, the band of the estimate holds the realised metric."""
    now = binary_table(3, 20_000, shift=-1.0)
    realised = mw.compare(binary, now).performance
    estimated = mw.compare(binary, without(now, "label")).performance
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc"):
        lower, upper = estimated[name].lower, estimated[name].upper
        assert lower is not None
        assert upper is not None
        assert lower <= (realised[name].realized or 0.0) <= upper


def test_several_classes(several: mw.Baseline) -> None:
    """Of several classes, metrics are macro averages, with a probability of each."""
    now = several_table(1)
    found = mw.compare(several, now).performance
    scores = np.column_stack([now[f"p_{name}"] for name in CLASSES])
    truth, guess = now["label"], now["predicted"]
    assert found["accuracy"].realized == sk.accuracy_score(truth, guess)
    assert found["f1"].realized == pytest.approx(sk.f1_score(truth, guess, average="macro"))
    area = sk.roc_auc_score(truth, scores, multi_class="ovr", labels=list(CLASSES))
    assert found["roc_auc"].realized == pytest.approx(area, abs=1e-4)
    assert several.performance is not None
    right = sum(
        several.performance.calibrations[name].apply(scores[:, at])[np.array(guess) == name].sum()
        for at, name in enumerate(CLASSES)
    )
    assert found["accuracy"].estimated == pytest.approx(right / len(truth), rel=1e-12)


def test_a_regression(regression: mw.Baseline) -> None:
    """Errors are judged by labels, and foretold by the inputs that they grow with."""
    now = regression_table(1, 10_000, shift=0.7)
    found = mw.compare(regression, now).performance
    error = sk.mean_absolute_error(now["label"], now["predicted"])
    assert found["mae"].realized == pytest.approx(error, rel=1e-12)
    assert found["r2"].realized == pytest.approx(sk.r2_score(now["label"], now["predicted"]))
    assert found["mae"].changed
    assert regression.performance is not None
    model = regression.performance.loss_model
    assert model is not None
    rows = model.predict(np.column_stack([now[name] for name in model.names]))
    assert found["mae"].estimated == pytest.approx(rows[:, 0].mean(), rel=1e-9)
    blind = mw.compare(regression, without(now, "label")).performance["mae"]
    assert blind.lower is not None
    assert blind.upper is not None
    assert blind.lower <= error <= blind.upper
    assert blind.realized is None


@pytest.mark.parametrize(
    "spelled",
    [
        {"yes": True, "no": False},
        {"yes": 1, "no": 0},
        {"yes": 1.0, "no": 0.0},
        {"yes": np.int64(7), "no": np.int64(-7)},
    ],
    ids=["boolean", "integer", "number", "any"],
)
def test_labels_of_any_type(spelled: dict[str, Any], binary: mw.Baseline) -> None:
    """Texts, booleans and numbers are classes alike; which one is positive the scores tell."""

    def table(seed: int) -> Table:
        data = binary_table(seed)
        for name in ("predicted", "label"):
            data[name] = np.array([spelled[value] for value in data[name]])
        return data

    baseline = fitted(table(0), score="score")
    found = mw.compare(baseline, table(1)).performance
    expected = mw.compare(binary, binary_table(1)).performance
    for name in ("accuracy", "precision", "recall"):
        assert found[name].realized == pytest.approx(expected[name].realized, abs=1e-12)


def test_labels_of_another_type_than_predictions() -> None:
    """A model that answers with booleans is judged by labels of 0 and 1."""
    data, now = binary_table(0), binary_table(1)
    for one in (data, now):
        one["predicted"] = is_yes(one, "predicted")
        one["label"] = is_yes(one, "label").astype(int)
    found = mw.compare(fitted(data, score="score"), now).performance
    assert found["accuracy"].realized == sk.accuracy_score(now["label"], now["predicted"])


def test_labels_that_are_partly_missing(binary: mw.Baseline) -> None:
    """Rows without a label are estimated with the rest, and realised metrics rest on the others."""
    now = binary_table(1)
    known = np.arange(4_000) % 3 == 0
    now["label"] = [value if k else None for value, k in zip(now["label"], known, strict=True)]
    found = mw.compare(binary, now).performance["accuracy"]
    right = is_yes(now, "label")[known] == is_yes(now, "predicted")[known]
    assert found.realized == pytest.approx(right.mean())
    assert found.rows == known.sum()
    everything = mw.compare(binary, without(now, "label")).performance["accuracy"]
    assert found.estimated == everything.estimated


def test_labels_of_one_class_only(binary: mw.Baseline) -> None:
    """Metrics that have no meaning are left out; the rest is told."""
    now = binary_table(1)
    now["label"] = ["yes"] * 4_000
    found = mw.compare(binary, now).performance
    assert found["roc_auc"].realized is None
    assert found["roc_auc"].estimated is not None
    assert found["accuracy"].realized == pytest.approx(is_yes(now, "predicted").mean())


@pytest.mark.parametrize("scale", [100.0, -1.0])
def test_scores_that_are_no_probabilities(
    binary: mw.Baseline, scale: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is told of scores outside [0, 1]; the note and a log record say why."""
    now = without(binary_table(1), "label") | {"score": binary_table(1)["score"] * scale}
    with caplog.at_level(logging.WARNING, "modelwatch"):
        report = mw.compare(binary, now)
    assert report.performance == {}
    assert "no probabilities" in caplog.text
    assert (report.note or "").startswith("no performance is estimated: scores are no probab")


def bad_scores(kind: str) -> Table:
    """Return labelled rows whose scores are no probabilities."""
    now = binary_table(1) if kind == "binary" else several_table(1)
    names = ["score"] if kind == "binary" else [f"p_{name}" for name in CLASSES]
    return now | {name: now[name] * 1.5 for name in names}


@pytest.mark.parametrize("kind", ["binary", "several"])
def test_bad_scores_leave_what_needs_predictions_alone(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Accuracy, f1, ... are realised all the same; the report says what is not told, and why."""
    now = bad_scores(kind)
    report = mw.compare(request.getfixturevalue(kind), now)
    expected = sk.accuracy_score(now["label"], now["predicted"])
    assert report.performance["accuracy"].realized == pytest.approx(expected, abs=1e-12)
    assert report.performance["f1"].realized is not None
    for name in ("roc_auc", "brier", "log_loss"):
        metric = report.performance[name]
        assert metric.reference is not None
        assert metric.realized is metric.estimated is metric.lower is None
    assert report.verdict == "drift"
    told = "no performance is estimated, and no measure that needs scores is realised: scores are"
    assert (report.note or "").startswith(told)
    assert mw.DriftReport.from_dict(report.to_dict()).note == report.note
    page = io.StringIO()
    Console(file=page, width=400).print(report)
    assert told in page.getvalue()


def test_scores_rounded_to_two_digits_are_probabilities(several: mw.Baseline) -> None:
    """Rows of three classes then sum to .99, 1 or 1.01: all measures are told, without a note."""
    now = several_table(1)
    now |= {name: now[name].round(2) for name in (f"p_{one}" for one in CLASSES)}
    report = mw.compare(several, now)
    assert report.note is None
    assert report.performance["roc_auc"].realized is not None
    assert report.performance["roc_auc"].estimated is not None


@pytest.mark.parametrize(
    ("labels", "predictions", "note"),
    [
        (0.2, 0.0, "20.0% of labels are of classes that the baseline does not know"),
        (1.0, 0.0, "100.0% of labels are of classes that the baseline does not know"),
        (0.0, 0.2, "20.0% of predictions are of classes that the baseline does not know"),
        (0.2, 0.1, "20.0% of labels and 10.0% of predictions are of classes that"),
        (0.0, 0.0, None),
    ],
)
def test_unknown_classes_are_wrong_and_are_said(
    binary: mw.Baseline, labels: float, predictions: float, note: str | None
) -> None:
    """Rows of classes that the baseline lacks are never right, and the report says how many."""
    now = binary_table(1)
    at = np.arange(4_000) / 4_000
    for name, share in (("label", labels), ("predicted", predictions)):
        now[name] = np.where(at < share, "z" + name, np.array(now[name])).tolist()
    report = mw.compare(binary, now)
    found = report.performance["accuracy"].realized
    assert found == pytest.approx(sk.accuracy_score(now["label"], now["predicted"]), abs=1e-12)
    assert report.note is None if note is None else (report.note or "").startswith(note)
    assert note is None or (report.note or "").endswith("it knows yes, no")


def test_labels_spelled_in_another_way_are_said(binary: mw.Baseline) -> None:
    """Labels of 0 and 1 for a model that answers with words make no accuracy of chance."""
    now = binary_table(1)
    now["label"] = is_yes(now, "label").astype(int)
    report = mw.compare(binary, now)
    assert report.performance["accuracy"].realized == 0.0
    assert "100.0% of labels" in (report.note or "")


def test_few_rows_tell_nothing(binary: mw.Baseline) -> None:
    """With fewer rows than are judged there is no performance."""
    assert mw.compare(binary, binary_table(1, 49)).performance == {}
    few = binary_table(1, 200)
    few["label"] = [*few["label"][:49], *[None] * 151]
    found = mw.compare(binary, few).performance
    assert found
    assert all(metric.realized is None for metric in found.values())


def test_a_baseline_without_labels_tells_nothing() -> None:
    """There is nothing to learn calibrations from."""
    blind = fitted(without(binary_table(0), "label"), score="score")
    assert blind.performance is None
    assert mw.compare(blind, binary_table(1)).performance == {}


def test_intervals_are_wider_where_rows_come_in_clusters() -> None:
    """Labels that go wrong in runs hold less evidence than independent ones."""
    rng = np.random.default_rng(0)

    def runs(table: Table) -> Table:
        bad = np.repeat(rng.random(len(table["label"]) // 100) < 0.3, 100)
        flipped = np.where(is_yes(table, "label"), "no", "yes")
        return table | {"label": np.where(bad, flipped, np.array(table["label"])).tolist()}

    calm, rough = binary_table(0, 20_000), runs(binary_table(0, 20_000))
    widths = []
    for data in (calm, rough):
        now = mw.compare(fitted(data, score="score"), binary_table(1)).performance["accuracy"]
        assert now.upper is not None
        assert now.lower is not None
        widths.append(now.upper - now.lower)
    assert widths[1] > 2 * widths[0]


def test_parts_tell_the_same_as_the_whole(binary: mw.Baseline) -> None:
    """Profiles of parts, merged, give the metrics of all rows."""
    now = binary_table(1)
    parts = [{name: values[at::2] for name, values in now.items()} for at in (0, 1)]
    merged = Profile.from_data(parts[0], baseline=binary).merge(
        Profile.from_data(parts[1], baseline=binary)
    )
    found, whole = mw.compare(binary, merged).performance, mw.compare(binary, now).performance
    assert found.keys() == whole.keys()
    for name, metric in found.items():
        assert metric.realized == pytest.approx(whole[name].realized, abs=1e-9)
        assert metric.estimated == pytest.approx(whole[name].estimated, abs=1e-9)
