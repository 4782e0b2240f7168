"""What should be done with a version."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.rollout.evidence import ERRORS, LATENCY, is_better_higher
from modelwatch.rollout.measures import LabelledRows, metric_evidence
from modelwatch.rollout.suggestion import Suggestion, suggest_retraining, suggest_rollout
from tests.rollout.test_evidence import evidence

Gain = tuple[float, float]

BETTER, SAME, WORSE, OPEN = (0.05, 0.005), (0.0, 0.002), (-0.05, 0.005), (0.0, 0.01)


def suggested(gains: dict[str, Gain | None], *, minimum_rows: int = 500) -> Suggestion:
    """Suggest by the gain of each measure with its standard error, no change where not told."""
    told: dict[str, Gain | None] = {"accuracy": SAME, ERRORS: SAME, LATENCY: SAME, **gains}
    found = [
        evidence(gain[0] if is_better_higher(name) else -gain[0], gain[1], name=name)
        for name, gain in told.items()
        if gain is not None
    ]
    return suggest_rollout("3", "4", found, deciding="accuracy", minimum_rows=minimum_rows)


@pytest.mark.parametrize(
    ("measures", "kind"),
    [
        ({}, "promote"),
        ({"accuracy": BETTER}, "promote"),
        ({ERRORS: None, LATENCY: None}, "promote"),
        ({"f1": OPEN}, "promote"),
        ({"accuracy": WORSE}, "roll_back"),
        ({"f1": WORSE}, "roll_back"),
        ({ERRORS: WORSE}, "roll_back"),
        ({LATENCY: WORSE}, "roll_back"),
        ({"accuracy": None, ERRORS: WORSE}, "roll_back"),
        ({"accuracy": BETTER, ERRORS: WORSE}, "roll_back"),
        ({"accuracy": OPEN}, "keep_watching"),
        ({ERRORS: OPEN}, "keep_watching"),
        ({LATENCY: OPEN}, "keep_watching"),
        ({"accuracy": None}, "keep_watching"),
        ({"accuracy": None, ERRORS: None, LATENCY: None}, "keep_watching"),
    ],
)
def test_rules(measures: dict[str, Gain | None], kind: str) -> None:
    """Promote what surely is no worse, roll back what surely is, else keep watching."""
    found = suggested(measures)
    assert found.kind == kind
    assert found.reasons


@pytest.mark.parametrize("measures", [{}, {"accuracy": WORSE}, {"accuracy": BETTER}])
def test_too_few_rows_decide_nothing(measures: dict[str, Gain | None]) -> None:
    """However clear it looks, fewer rows than asked for are watched on."""
    found = suggested(measures, minimum_rows=1_001)
    assert found.kind == "keep_watching"
    assert "rests on 1000 rows of a version, and 1001 are needed" in found.words


def test_words_say_the_figures() -> None:
    """Whoever reads the sentence alone knows what was measured, and how sure it is."""
    assert suggested({"accuracy": WORSE}).words == (
        "Roll 4 back to 3: accuracy is 0.75 with 4 and 0.8 with 3, worse by 0.05, and surely by "
        "more than 0.0332."
    )
    assert suggested({ERRORS: None, LATENCY: None}).words == (
        "Promote 4 in place of 3: accuracy is 0.8 with 4 and 0.8 with 3, surely worse by less "
        "than 0.00665, if at all."
    )
    assert suggested({"accuracy": OPEN, ERRORS: None, LATENCY: None}).words == (
        "Keep watching 4: accuracy is better by 0, a gain between -0.0348 and 0.0348: a loss of "
        "0.01 is not excluded."
    )


def test_what_cannot_be_judged_is_said() -> None:
    """A metric without limits keeps a version watched, and says so."""
    found = suggested({"accuracy": (0.0, math.inf)})
    assert found.kind == "keep_watching"
    assert found.reasons == ("accuracy cannot be judged yet",)


@dataclass
class Change:
    """A change of the mean error."""

    before: float = 0.1
    after: float = 0.19


def test_retraining_needs_a_reason() -> None:
    """A changed relation, or a performance that stays below the baseline's for long enough."""
    assert suggest_retraining("3") is None
    assert suggest_retraining("3", worse=["f1"], windows=2) is None
    assert suggest_retraining("3", worse=[], windows=9) is None
    found = suggest_retraining("3", change=Change(), worse=["f1", "accuracy"], windows=4)
    assert found is not None
    assert (found.kind, found.version, found.stable) == ("retrain", "3", None)
    assert found.words == (
        "Retrain 3: the relation of inputs and truth changed: the mean error rose from 0.1 to "
        "0.19; F1 and accuracy have surely been below that of the baseline for 4 windows."
    )


def test_suggestions_are_the_same_by_what_they_say_to_do() -> None:
    """Figures that move on do not make another suggestion of one."""
    found = suggested({})
    assert replace(found, evidence=()) == found


@pytest.mark.slow
def test_a_version_beside_itself_is_rolled_back_in_at_most_alpha() -> None:
    """Looked at after every batch, by three metrics that share alpha; at last it is promoted."""
    rng = np.random.default_rng(0)
    streams, looks, batch, names = 200, 12, 800, ("accuracy", "f1", "brier")
    edges = np.arange(1, 50) / 50
    rolled_back = promoted = 0
    for _ in range(streams):
        sides = [LabelledSummary.empty(["no", "yes"], {"yes": edges}) for _ in range(2)]
        for _ in range(looks):
            for summary in sides:
                score = rng.beta(1.0, 3.0, batch)
                truth = np.where(rng.random(batch) < score, "yes", "no").tolist()
                summary.update(truth, np.where(score > 0.5, "yes", "no").tolist(), score)
            stable, candidate = (LabelledRows(summary=one) for one in sides)
            found = [
                metric_evidence(name, stable, candidate, None, margin=0.03, alpha=0.05 / len(names))
                for name in names
            ]
            told = suggest_rollout(
                "3",
                "4",
                [one for one in found if one is not None],
                deciding="accuracy",
                minimum_rows=500,
            )
            if told.kind != "keep_watching":
                rolled_back += told.kind == "roll_back"
                promoted += told.kind == "promote"
                break
    assert rolled_back <= 0.05 * streams
    assert promoted > 0.9 * streams
