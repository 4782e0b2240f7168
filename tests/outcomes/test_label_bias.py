"""Labels that are missing, at random and not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from modelwatch.baseline import Baseline
from modelwatch.outcomes.label_bias import LabelBias, label_bias
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.profile import Profile
from tests.labelled_tables import binary_table, fitted, regression_table, several_table
from tests.labelled_tables import without as less
from tests.outcomes.joined_tables import joined

Table = dict[str, Any]
Flags = npt.NDArray[np.bool_]

BINARY = fitted(binary_table(0), score={"yes": "score"})
SEVERAL = fitted(several_table(0), score={name: f"p_{name}" for name in ("ant", "bee", "cat")})
REGRESSION = fitted(regression_table(0))
CLASSES = fitted(less(binary_table(0), "score"))


def scoreless(seed: int, rows: int) -> Table:
    """Rows whose classes alone are known."""
    return less(binary_table(seed, rows), "score")


def compared(table: Table, known: Flags, baseline: Baseline) -> LabelBias | None:
    """Compare the labelled rows of a table with the others."""
    everything = Profile.from_data(dict(table), baseline=baseline)
    outcomes = OutcomeSummary.empty(baseline)
    outcomes.update(joined(table, baseline, np.flatnonzero(known).tolist()))
    return label_bias(outcomes, everything)


def found(table: Table, known: Flags, baseline: Baseline) -> LabelBias:
    """Return what was found of rows of which something is told."""
    bias = compared(table, known, baseline)
    assert bias is not None
    return bias


@pytest.mark.parametrize("kind", ["binary", "several", "regression", "classes"])
def test_labels_missing_at_random_are_no_bias(kind: str) -> None:
    """Of 40 windows none is called biased, and few have a small p-value."""
    tables: dict[str, tuple[Callable[[int, int], Table], Baseline]] = {
        "binary": (binary_table, BINARY),
        "several": (several_table, SEVERAL),
        "regression": (regression_table, REGRESSION),
        "classes": (scoreless, CLASSES),
    }
    make, baseline = tables[kind]
    p_values = []
    for seed in range(40):
        known = np.random.default_rng(seed).random(1_500) < 0.3
        bias = found(make(seed + 1, 1_500), known, baseline)
        assert not bias.is_biased
        p_values.append(bias.p_value)
    assert sum(p < 0.05 for p in p_values) <= 6
    assert max(p_values) > 0.2


def test_labels_of_high_scores_alone_are_a_bias() -> None:
    """As where only what was flagged is looked at: found, and said in words."""
    table = binary_table(3, 2_000)
    known = (table["score"] > 0.6) | (np.random.default_rng(0).random(2_000) < 0.02)
    bias = found(table, known, BINARY)
    assert bias.is_biased
    assert bias.output == "score"
    assert (bias.labelled_rows, bias.unlabelled_rows) == (known.sum(), (~known).sum())
    assert bias.coverage == pytest.approx(known.mean())
    assert bias.labelled_mean == pytest.approx(table["score"][known].mean())
    assert bias.unlabelled_mean == pytest.approx(table["score"][~known].mean())
    assert bias.text.startswith("labels are missing not at random")


def test_the_statistic_is_that_of_the_raw_scores() -> None:
    """The Kolmogorov-Smirnov statistic is scipy's, to the bins' mass."""
    table = binary_table(4, 3_000)
    chance = np.where(table["score"] > 0.5, 0.5, 0.3)
    known = np.random.default_rng(1).random(3_000) < chance
    exact = stats.ks_2samp(table["score"][known], table["score"][~known])
    bias = found(table, known, BINARY)
    assert bias.ks == pytest.approx(float(exact.statistic), abs=0.01)
    assert bias.p_value < 1e-4


def test_a_small_bias_is_proven_and_no_warning() -> None:
    """Evidence alone is not enough: the difference must matter too."""
    table = binary_table(5, 40_000)
    chance = np.where(table["score"] > 0.5, 0.52, 0.48)
    bias = found(table, np.random.default_rng(2).random(40_000) < chance, BINARY)
    assert bias.p_value < 0.01
    assert not bias.is_biased
    assert "are like those without" in bias.text


@pytest.mark.parametrize(
    ("make", "baseline", "column"),
    [(regression_table, REGRESSION, "predicted"), (several_table, SEVERAL, "p_ant")],
    ids=["regression", "several"],
)
def test_predictions_and_several_scores_tell_a_bias_too(
    make: Any, baseline: Baseline, column: str
) -> None:
    """Numbers by their own distribution, classes by the score that differs most."""
    table = make(6, 2_000)
    middle = np.median(table[column])
    chance = np.where(np.asarray(table[column]) > middle, 0.8, 0.2)
    bias = found(table, np.random.default_rng(3).random(2_000) < chance, baseline)
    assert bias.is_biased
    assert bias.output == column


def test_classes_without_scores_tell_a_bias() -> None:
    """By how often each is predicted."""
    table = less(binary_table(7, 2_000), "score")
    yes = np.array(table["predicted"]) == "yes"
    known = np.random.default_rng(4).random(2_000) < np.where(yes, 0.8, 0.2)
    bias = found(table, known, CLASSES)
    assert bias.is_biased
    assert bias.output == "predicted"
    shares = yes[known].mean() - yes[~known].mean()
    assert bias.ks == pytest.approx(abs(shares))


def test_the_earlier_part_of_a_wandering_stream_is_no_bias() -> None:
    """Late labels are of a window's first half, which differs as blocks of the baseline do."""
    rng = np.random.default_rng(0)

    def wandering(rows: int) -> Table:
        level = np.repeat(rng.normal(0, 0.7, rows // 200), 200)
        x = level + rng.normal(size=rows)
        score = 1 / (1 + np.exp(-x))
        truth = rng.random(rows) < score
        names = {"predicted": score > 0.5, "label": truth}
        return {"x": x, "score": score} | {
            name: np.where(flags, "yes", "no").tolist() for name, flags in names.items()
        }

    baseline = fitted(wandering(40_000), score={"yes": "score"})
    first_half = np.arange(4_000) < 2_000
    biases = [found(wandering(4_000), first_half, baseline) for _ in range(20)]
    assert sum(bias.is_biased for bias in biases) <= 1
    plain = fitted(binary_table(0), score={"yes": "score"})
    assert sum(found(wandering(4_000), first_half, plain).p_value < 0.01 for _ in range(20)) > 10


@pytest.mark.parametrize("known", [20, 1_480], ids=["few with", "few without"])
def test_too_few_rows_tell_nothing(known: int) -> None:
    """With fewer than 50 on either side."""
    flags = np.arange(1_500) < known
    assert compared(binary_table(1, 1_500), flags, BINARY) is None


def test_rows_of_another_window_tell_nothing() -> None:
    """Where labelled rows are not among all rows there is no rest to compare with."""
    outcomes = OutcomeSummary.empty(BINARY)
    outcomes.update(joined(binary_table(1, 3_000), BINARY))
    everything = Profile.from_data(dict(binary_table(2, 2_000)), baseline=BINARY)
    assert label_bias(outcomes, everything) is None
    assert label_bias(outcomes, Profile.empty("m", "1")) is None
