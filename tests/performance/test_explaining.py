"""Drifted inputs told from a changed relation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from modelwatch.performance.cbpe import estimate_classification
from modelwatch.performance.dle import estimate_regression
from modelwatch.performance.explaining import (
    MEASURES,
    PerformanceVerdict,
    expected_of,
    explained,
)
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from tests.labelled_tables import fitted, regression_table

METRICS = ("roc_auc", "accuracy", "log_loss")


def rows(
    rng: np.random.Generator,
    size: int,
    shift: float = 0.0,
    faded: float = 0.0,
    spread: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated scores and their truth; of a faded relation the truth depends less on x."""
    x = rng.normal(shift, spread, size)
    truth = rng.random(size) < 1 / (1 + np.exp(-1.5 * (1 - faded) * x - 0.5))
    return 1 / (1 + np.exp(-1.5 * x - 0.5)), truth


def keys(flags: np.ndarray) -> list[str | None]:
    """Return classes."""
    return ["yes" if flag else "no" for flag in flags.tolist()]


class Known:
    """A baseline of 20,000 rows."""

    def __init__(self) -> None:
        scores, truth = rows(np.random.default_rng(0), 20_000)
        self.calibrations = {"yes": fit_calibration(scores, truth)}
        self.edges = {"yes": bin_edges_for(self.calibrations["yes"], 100, scores=scores)}
        self.reference = realized(self.labelled(scores, truth))

    def labelled(self, scores: np.ndarray, truth: np.ndarray) -> LabelledSummary:
        """Sum up labelled rows."""
        summary = LabelledSummary.empty(["yes", "no"], self.edges)
        summary.update(keys(truth), keys(scores > 0.5), scores)
        return summary

    def verdict(
        self, metric: str, scores: np.ndarray, truth: np.ndarray, known: np.ndarray, *, same: bool
    ) -> PerformanceVerdict:
        """Explain rows of which some are labelled."""
        summary = self.labelled(scores[known], truth[known])
        if same:
            estimates = expected_of(summary, self.calibrations)
        else:
            everything = ScoreSummary.empty(self.edges)
            everything.update(scores, keys(scores > 0.5))
            estimates = estimate_classification(everything, self.calibrations)
        return explained(
            metric,
            reference=self.reference[metric],
            estimated=estimates[metric],
            realized=realized(summary)[metric],
            same_rows=same,
        )


KNOWN = Known()


def verdicts(
    windows: int,
    *,
    size: int = 2_000,
    share: float = 0.5,
    shift: float = 0.0,
    faded: float = 0.0,
    spread: float = 1.0,
    same: bool = True,
) -> dict[str, Counter[str]]:
    """Count the verdicts of some windows by metric."""
    found: dict[str, Counter[str]] = {metric: Counter() for metric in METRICS}
    for seed in range(windows):
        rng = np.random.default_rng(seed + 1)
        scores, truth = rows(rng, size, shift, faded, spread)
        known = rng.random(size) < share
        for metric in METRICS:
            verdict = KNOWN.verdict(metric, scores, truth, known, same=same)
            found[metric][verdict.kind] += 1
    return found


@pytest.mark.parametrize("same", [True, False], ids=["same rows", "all rows"])
@pytest.mark.parametrize("shift", [0.0, -1.0, 1.0])
def test_windows_whose_relation_is_kept_are_not_called_concept_drift(
    shift: float, same: bool
) -> None:
    """At most 5 of 100 are, with labels of some rows, whether inputs drifted or not."""
    for counts in verdicts(100, shift=shift, same=same).values():
        assert counts["concept drift"] + counts["both"] <= 5


def test_a_changed_relation_is_called_concept_drift() -> None:
    """With 1,000 labels nine of ten windows are told by AUC; of the same rows more than of all."""
    same, other = (verdicts(40, faded=0.3, same=one)["roc_auc"] for one in (True, False))
    assert same["concept drift"] >= 36
    assert same["concept drift"] >= other["concept drift"] >= 24


def test_drifted_inputs_are_called_data_drift() -> None:
    """Where both fall together, the inputs explain it."""
    counts = verdicts(20, size=5_000, share=1.0, spread=0.5)
    assert counts["roc_auc"]["data drift"] >= 19
    assert counts["accuracy"]["data drift"] >= 19


def test_both_at_once_are_told_apart() -> None:
    """Where inputs drifted and the relation changed, each has its part of the drop."""
    rng = np.random.default_rng(5)
    scores, truth = rows(rng, 20_000, 0.0, 0.5, spread=0.5)
    everything = np.ones(20_000, dtype=np.bool_)
    verdict = KNOWN.verdict("roc_auc", scores, truth, everything, same=True)
    drifted, kept = rows(rng, 500_000, spread=0.5)
    of_inputs = realized(KNOWN.labelled(drifted, kept))["roc_auc"].value
    assert verdict.kind == "both"
    assert verdict.by_inputs is not None
    assert verdict.by_inputs.value == pytest.approx(
        of_inputs - KNOWN.reference["roc_auc"].value, abs=0.02
    )


def test_the_parts_add_up_to_the_change() -> None:
    """Whatever the kind, and intervals hold their values."""
    scores, truth = rows(np.random.default_rng(6), 3_000, 0.5, 0.2)
    verdict = KNOWN.verdict("accuracy", scores, truth, np.ones(3_000, np.bool_), same=True)
    change, inputs, relation = verdict.change, verdict.by_inputs, verdict.by_relation
    assert change is not None
    assert inputs is not None
    assert relation is not None
    assert change.value == pytest.approx(inputs.value + relation.value)
    for part in (change, inputs, relation):
        assert part.lower < part.value < part.upper
        assert part.standard_error == pytest.approx((part.upper - part.lower) / 3.92, rel=1e-3)


def test_scores_of_labelled_rows_are_those_without_their_labels() -> None:
    """What they promise is what is estimated of rows whose labels never came."""
    scores, truth = rows(np.random.default_rng(7), 2_000)
    everything = ScoreSummary.empty(KNOWN.edges)
    everything.update(scores, keys(scores > 0.5))
    mine = KNOWN.labelled(scores, truth).without_labels()
    assert mine.to_dict()["classes"] == ["yes"]
    cells, other = mine.cells["yes"], everything.cells["yes"]
    assert cells.counts.tolist() == other.counts.tolist()
    assert cells.offset_sums == pytest.approx(other.offset_sums)


def test_labels_of_a_biased_choice_are_no_concept_drift_on_the_same_rows() -> None:
    """Where only high scores are labelled the AUC of these rows falls, as their scores promise."""
    scores, truth = rows(np.random.default_rng(8), 10_000)
    high = scores > 0.7
    assert KNOWN.verdict("roc_auc", scores, truth, high, same=True).kind == "data drift"
    assert KNOWN.verdict("roc_auc", scores, truth, high, same=False).is_concept_drift


def near(value: float, half: float = 0.005) -> Estimate:
    """Return an estimate of that half width."""
    return Estimate(value, value - half, value + half, 1_000)


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        (
            (0.85, 0.83, 0.76),
            "both",
            "input drift explains 0.02 of the 0.09 drop in AUC; the rest is a changed relation",
        ),
        (
            (0.85, 0.846, 0.76),
            "concept drift",
            "input drift explains none of the 0.09 drop in AUC: the relation has changed",
        ),
        (
            (0.85, 0.89, 0.76),
            "concept drift",
            "input drift explains none of the 0.09 drop in AUC: the relation has changed",
        ),
        (
            (0.85, 0.93, 0.87),
            "concept drift",
            "AUC is 0.87, worse than the 0.93 that the inputs promised: the relation has changed",
        ),
        (
            (0.85, 0.79, 0.786),
            "data drift",
            "input drift explains 0.06 of the 0.06 drop in AUC; the rest is within chance",
        ),
        (
            (0.85, 0.79, 0.795),
            "data drift",
            "input drift explains all of the 0.05 drop in AUC",
        ),
        (
            (0.85, 0.85, 0.9),
            "better than estimated",
            "AUC is 0.90, better than the 0.85 that was promised",
        ),
        (
            (0.85, 0.85, 0.846),
            "no change",
            "AUC is 0.85, and 0.85 was promised: no change beyond chance",
        ),
    ],
)
def test_the_verdict_is_said_in_words(
    values: tuple[float, float, float], kind: str, text: str
) -> None:
    """Each kind has its sentence, with the parts of the change."""
    reference, estimated, real = map(near, values)
    verdict = explained(
        "roc_auc", reference=reference, estimated=estimated, realized=real, same_rows=True
    )
    assert verdict.kind == kind
    assert verdict.text == text


def test_errors_are_worse_where_they_rise() -> None:
    """Of a regression the words are of a rise, and smallness is told by the reference."""
    worse = explained(
        "mae",
        reference=near(120.0, 1.0),
        estimated=near(123.0, 1.0),
        realized=near(150.0, 2.0),
        same_rows=False,
    )
    assert worse.kind == "both"
    assert worse.text == (
        "input drift explains 3.0 of the 30.0 rise in MAE; the rest is a changed relation"
    )
    slight = explained(
        "mae",
        reference=near(120.0, 0.01),
        estimated=near(120.0, 0.01),
        realized=near(121.0, 0.01),
        same_rows=False,
    )
    assert slight.kind == "no change"


@pytest.mark.parametrize("absent", ["reference", "estimated", "realized"])
def test_what_is_not_known_is_told(absent: str) -> None:
    """Without one of the three nothing is explained, and the words say which."""
    given: dict[str, Estimate | None] = {
        name: near(0.8) for name in ("reference", "estimated", "realized")
    }
    given[absent] = None
    verdict = explained(
        "f1",
        reference=given["reference"],
        estimated=given["estimated"],
        realized=given["realized"],
        same_rows=True,
    )
    assert verdict.kind == "not told"
    assert verdict.change is None
    assert verdict.text.startswith("why F1 changed is not told: ")


def test_every_estimated_metric_has_a_measure() -> None:
    """What can be promised can be explained."""
    scores, _ = rows(np.random.default_rng(0), 500)
    summary = ScoreSummary.empty(KNOWN.edges)
    summary.update(scores, keys(scores > 0.5))
    estimates = estimate_classification(summary, {"yes": Calibration(), **KNOWN.calibrations})
    assert set(estimates) <= set(MEASURES)


@pytest.mark.parametrize(
    ("shift", "grown", "expected"),
    [
        (0.0, 1.0, "no change"),
        (0.7, 1.0, "data drift"),
        (0.0, 1.4, "concept drift"),
        (0.7, 1.4, "both"),
    ],
)
def test_errors_of_a_regression_are_explained(shift: float, grown: float, expected: str) -> None:
    """Half of the rows are labelled, and what all inputs promise is the estimate."""
    baseline = fitted(regression_table(0, 20_000))
    known = baseline.performance
    assert known is not None
    assert known.loss_model is not None
    kinds: Counter[str] = Counter()
    for seed in range(10):
        table = regression_table(seed + 1, 2_000, shift=shift)
        moments = known.loss_model.empty_moments()
        moments.update(np.column_stack([table[name] for name in known.loss_model.names]))
        summary = RegressionSummary()
        guess = table["predicted"]
        summary.update(guess[::2] + grown * (table["label"] - guess)[::2], guess[::2])
        verdict = explained(
            "mae",
            reference=known.realized["mae"],
            estimated=estimate_regression(moments, known.loss_model)["mae"],
            realized=realized(summary)["mae"],
            same_rows=False,
        )
        kinds[verdict.kind] += 1
    assert kinds[expected] >= 9
