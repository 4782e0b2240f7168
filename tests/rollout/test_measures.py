"""What is measured of two versions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics

from modelwatch.performance.intervals import Z95
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.rollout.evidence import Evidence
from modelwatch.rollout.measures import Calls, LabelledRows, call_evidence, metric_evidence
from modelwatch.rollout.sequential import MeanOfRows, confidence_sequence, difference_of_means
from modelwatch.sketches import Moments
from tests.rollout.version_pairs import BINARY, empty_pairs, pair_table, pairs, part_of

EDGES = np.arange(1, 100) / 100
FloatArray = npt.NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)


def labelled(seed: int, rows: int, *, second: bool = False, effect: float = 1.0) -> LabelledRows:
    """Return labelled rows of the one version or the other, noisier one."""
    outputs = pair_table("binary", seed, rows)
    chosen = outputs[1] if second else outputs[0]
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(outputs[2], list(chosen["predicted"]), np.asarray(chosen["score"]))
    return LabelledRows(summary=summary, design_effect=effect)


def test_accuracy_of_two_groups_is_that_of_the_raw_rows() -> None:
    """Values are those of scikit-learn, limits those of two shares."""
    stable, candidate = labelled(1, 3_000), labelled(2, 800, second=True)
    found = metric_evidence("accuracy", stable, candidate, None, margin=0.01, alpha=0.05)
    assert found is not None
    table = pair_table("binary", 2, 800)
    right = metrics.accuracy_score(table[2], table[1]["predicted"])
    assert found.candidate == pytest.approx(right, rel=1e-12)
    before = pair_table("binary", 1, 3_000)
    hits = metrics.accuracy_score(before[2], before[0]["predicted"], normalize=False)
    sides = MeanOfRows.of_share(hits, 3_000), MeanOfRows.of_share(right * 800, 800)
    expected = difference_of_means(*sides, effect=0.01)
    assert (found.told.lower, found.told.upper) == pytest.approx((expected.lower, expected.upper))
    assert (found.stable_rows, found.candidate_rows, found.is_paired) == (3_000, 800, False)


@pytest.mark.parametrize("name", ["roc_auc", "f1", "recall"])
def test_metrics_that_are_no_means_have_the_variance_of_their_intervals(name: str) -> None:
    """The difference is that of the two values, its variance the sum of both."""
    stable, candidate = labelled(1, 2_000), labelled(2, 2_000, second=True)
    found = metric_evidence(name, stable, candidate, None, margin=0.01, alpha=0.05)
    assert found is not None
    before, after = realized(stable.summary)[name], realized(candidate.summary)[name]
    assert found.told.difference == after.value - before.value
    error = math.hypot(*((one.upper - one.lower) / (2 * Z95) for one in (before, after)))
    radius = found.told.upper - found.told.difference
    assert radius == pytest.approx(confidence_sequence(0.0, error**2, effect=0.01).upper)


@pytest.mark.parametrize("name", ["brier", "log_loss"])
def test_losses_of_two_groups_are_means(name: str) -> None:
    """The limits are those of two means of losses."""
    stable, candidate = labelled(1, 2_000), labelled(2, 2_000, second=True)
    found = metric_evidence(name, stable, candidate, None, margin=0.01, alpha=0.05)
    assert found is not None
    sides = []
    for seed, side in ((1, 0), (2, 1)):
        *outputs, labels = pair_table("binary", seed, 2_000)
        truth = np.array([label == "yes" for label in labels])
        scores = np.clip(np.asarray(outputs[side]["score"]), EPSILON, 1 - EPSILON)
        brier = (scores - truth) ** 2
        rows = brier if name == "brier" else -np.log(np.where(truth, scores, 1 - scores))
        sides.append(MeanOfRows(2_000, float(rows.mean()), float(rows.var(ddof=1))))
    expected = difference_of_means(*sides, effect=0.01)
    assert found.told.lower == pytest.approx(expected.lower, rel=1e-6)


def test_errors_of_a_regression_are_in_units_of_the_label() -> None:
    """The mean absolute error of two groups, with the variance of the rows."""
    sides, expected = [], []
    for seed, side in ((1, 0), (2, 1)):
        *outputs, labels = pair_table("numbers", seed, 1_000)
        truth, predicted = np.array(labels), np.asarray(outputs[side]["predicted"])
        summary = RegressionSummary(shift=100.0, scale=3.0)
        summary.update(truth, predicted)
        sides.append(LabelledRows(summary=summary))
        error = np.abs(predicted - truth)
        expected.append(MeanOfRows(1_000, float(error.mean()), float(error.var(ddof=1))))
    found = metric_evidence("mae", sides[0], sides[1], None, margin=0.1, alpha=0.05)
    told = difference_of_means(*expected, effect=0.1)
    assert found is not None
    assert (found.told.lower, found.told.upper) == pytest.approx((told.lower, told.upper))
    assert metric_evidence("accuracy", sides[0], sides[1], None, margin=0.1, alpha=0.05) is None


@pytest.mark.parametrize("name", ["accuracy", "brier", "log_loss"])
def test_a_shadow_is_compared_on_the_same_rows(name: str) -> None:
    """Pairs tell the same difference by narrower limits."""
    rows = pairs("binary", 3, 4_000)
    summary = empty_pairs(BINARY, BINARY)
    summary.update(rows)
    stable, candidate = labelled(3, 4_000), labelled(3, 4_000, second=True)
    paired = metric_evidence(name, stable, candidate, summary, margin=0.01, alpha=0.05)
    groups = metric_evidence(name, stable, candidate, None, margin=0.01, alpha=0.05)
    assert paired is not None
    assert groups is not None
    assert paired.is_paired
    assert paired.told.difference == pytest.approx(groups.told.difference, rel=1e-9)
    assert (paired.stable, paired.candidate) == pytest.approx((groups.stable, groups.candidate))
    width = paired.told.upper - paired.told.lower
    assert width < 0.9 * (groups.told.upper - groups.told.lower)


def test_a_canary_is_not_judged_by_the_few_that_came_to_both() -> None:
    """Few pairs among many labelled rows are no fair choice of them."""
    rows = pairs("binary", 3, 4_000)
    summary = empty_pairs(BINARY, BINARY)
    summary.update(part_of(rows, range(1_000)))
    stable, candidate = labelled(3, 4_000), labelled(4, 4_000, second=True)
    found = metric_evidence("accuracy", stable, candidate, summary, margin=0.01, alpha=0.05)
    assert found is not None
    assert not found.is_paired


def test_clusters_widen_the_limits() -> None:
    """A design effect of 4 doubles the standard error, of pairs too."""
    rows = pairs("binary", 3, 4_000)
    summary = empty_pairs(BINARY, BINARY)
    summary.update(rows)
    for known in (summary, None):
        widths = []
        for effect in (1.0, 4.0):
            stable = labelled(3, 4_000, effect=effect)
            candidate = labelled(3, 4_000, second=True, effect=effect)
            found = metric_evidence("accuracy", stable, candidate, known, margin=0.02, alpha=0.05)
            assert found is not None
            widths.append(found.told.upper - found.told.lower)
        assert 1.7 < widths[1] / widths[0] < 2.5


def test_without_labels_there_is_no_metric() -> None:
    """No row, or few, of a version: nothing is told."""
    none = LabelledRows(summary=LabelledSummary.empty(["no", "yes"], {"yes": EDGES}))
    many = labelled(1, 1_000)
    assert metric_evidence("accuracy", many, none, None, margin=0.01, alpha=0.05) is None
    few = metric_evidence("accuracy", many, labelled(2, 20), None, margin=0.01, alpha=0.05)
    assert few is not None
    assert few.standing == "open"


def calls(
    rng: np.random.Generator,
    failing: float | FloatArray,
    seconds: float = 0.02,
    windows: int = 40,
    each: int = 200,
) -> list[Calls]:
    """Return windows of calls that fail at a rate and take some time."""
    rates = np.broadcast_to(np.asarray(failing), (windows,))
    result = []
    for rate in rates.tolist():
        moments = Moments()
        moments.update(rng.lognormal(math.log(seconds), 0.5, each))
        result.append(Calls(each, int(rng.binomial(each, rate)), moments))
    return result


def judged(
    stable: list[Calls], candidate: list[Calls], error_margin: float = 0.01
) -> list[Evidence]:
    """Return what calls say."""
    return call_evidence(
        stable,
        candidate,
        error_margin=error_margin,
        latency_margin=0.2,
        least_seconds=0.005,
        alpha=0.05,
    )


def test_failing_and_slow_calls_are_found() -> None:
    """A candidate that fails more often, or is slower, is surely worse; its twin is not."""
    rng = np.random.default_rng(0)
    stable = calls(rng, 0.01)
    errors, latency = judged(stable, calls(rng, 0.04, 0.04))
    assert (errors.name, errors.standing) == ("error_rate", "worse")
    assert (latency.name, latency.standing) == ("latency_seconds", "worse")
    assert latency.candidate == pytest.approx(2 * latency.stable, rel=0.1)
    assert {one.standing for one in judged(stable, calls(rng, 0.01))} == {"no_worse"}


def test_a_few_milliseconds_are_let_pass() -> None:
    """Calls of a millisecond may take three; what nobody feels rolls nothing back."""
    rng = np.random.default_rng(0)
    _, latency = judged(calls(rng, 0.0, 0.001), calls(rng, 0.0, 0.003))
    assert latency.standing == "no_worse"
    assert latency.margin == 0.005


def test_what_befalls_both_versions_is_no_difference() -> None:
    """Outages of a backend that both use say nothing of the candidate."""
    rng = np.random.default_rng(1)
    outages = np.where(rng.random(40) < 0.2, 0.5, 0.01)
    sides = calls(rng, outages), calls(rng, outages)
    errors, _ = judged(*sides)
    assert errors.standing in ("no_worse", "open")


def test_outages_of_one_side_are_fewer_than_their_calls() -> None:
    """Two windows in which all of the candidate's calls failed are not hundreds of failures."""
    rng = np.random.default_rng(2)
    rates = np.full(40, 0.01)
    rates[[7, 23]] = 0.9
    assert judged(calls(rng, 0.01), calls(rng, rates))[0].standing == "open"
    longer = calls(rng, 0.01, windows=400), calls(rng, np.tile(rates, 10), windows=400)
    assert judged(*longer)[0].standing == "worse"


def test_a_rare_failure_of_a_small_side_is_judged_exactly() -> None:
    """A failure in a canary's first calls, where the stable version has few, decides nothing."""
    stable = [Calls(20_000, 2, Moments())]
    one = judged(stable, [Calls(200, 1, Moments())], 0.001)
    assert [found.standing for found in one] == ["open"]
    many = judged(stable, [Calls(200, 66, Moments())], 0.001)
    assert [found.standing for found in many] == ["worse"]


def test_without_calls_nothing_is_told() -> None:
    """A version that was not asked has neither errors nor times."""
    assert judged([], []) == []
    assert judged([Calls(5, 0, Moments())], [Calls(0, 0, Moments())]) == []
