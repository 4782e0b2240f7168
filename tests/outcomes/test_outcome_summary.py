"""What joined rows come to."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from modelwatch import document
from modelwatch.baseline import Baseline
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.outcomes.custom_metrics import CustomMetrics
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.outcomes.read_rows import can_be_judged, errors_of
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.profile import Profile
from tests.labelled_tables import binary_table, fitted, is_yes, regression_table, several_table
from tests.labelled_tables import without as less
from tests.outcomes.joined_tables import joined

Table = dict[str, Any]

SCORES = {name: f"p_{name}" for name in ("ant", "bee", "cat")}
TABLES = {"binary": binary_table, "several": several_table, "regression": regression_table}
BASELINES = {
    "binary": fitted(binary_table(0), score={"yes": "score"}),
    "several": fitted(several_table(0), score=SCORES),
    "regression": fitted(regression_table(0)),
}
KINDS = sorted(TABLES)


def summed(rows: JoinedRows, baseline: Baseline) -> OutcomeSummary:
    """Sum up rows."""
    summary = OutcomeSummary.empty(baseline)
    summary.update(rows)
    return summary


def flat(value: Any) -> list[Any]:
    """Return all numbers and texts of plain values, in their order."""
    if isinstance(value, dict):
        return [part for name in value for part in (name, *flat(value[name]))]
    return [part for one in value for part in flat(one)] if isinstance(value, list) else [value]


def counts_of(summary: OutcomeSummary) -> list[Any]:
    """Return all that must be exact."""
    labelled = summary.labelled
    found: list[Any] = [summary.rows, summary.delays.counts.tolist(), summary.errors.sums.tolist()]
    if isinstance(labelled, RegressionSummary):
        return [*found, labelled.rows, labelled.missing]
    cells = [cells.counts.tolist() for cells in labelled.cells.values()]
    refused = dict(labelled.refused)
    return [*found, labelled.confusion.tolist(), labelled.other_correct, cells, refused]


def assert_alike(mine: OutcomeSummary, theirs: OutcomeSummary) -> None:
    """Counts are the same, moments to rounding."""
    assert counts_of(mine) == counts_of(theirs)
    for one, other in zip(
        flat(mine.labelled.to_dict()), flat(theirs.labelled.to_dict()), strict=True
    ):
        assert one == (pytest.approx(other, rel=1e-7, abs=1e-7) if type(one) is float else other)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_to_what_a_profile_of_them_has(kind: str) -> None:
    """Joined rows are read as those of a table with a label column."""
    table, baseline = TABLES[kind](1, 900), BASELINES[kind]
    profile = Profile.from_data(dict(table), baseline=baseline)
    assert profile.labelled is not None
    summary = summed(joined(table, baseline, features=True), baseline)
    assert summary.labelled.to_dict() == profile.labelled.to_dict()


@pytest.mark.parametrize("label", ["bool", "int", "text", "float"])
def test_labels_match_classes_however_they_are_spelled(label: str) -> None:
    """A model of true and false is judged by booleans, numbers and texts alike."""
    table = binary_table(0)
    truth = is_yes(table, "label")
    booleans: Table = {**table, "predicted": is_yes(table, "predicted"), "label": truth}
    baseline = fitted(booleans, score={"true": "score"})
    spelled = {
        "bool": truth.tolist(),
        "int": truth.astype(int).tolist(),
        "float": truth.astype(float).tolist(),
        "text": ["true" if one else "false" for one in truth.tolist()],
    }
    summary = summed(joined({**booleans, "label": spelled[label]}, baseline), baseline)
    expected = summed(joined(booleans, baseline), baseline)
    assert summary.labelled.to_dict() == expected.labelled.to_dict()
    assert isinstance(summary.labelled, LabelledSummary)
    assert summary.labelled.unknown_labels == 0


def test_metrics_after_corrections_are_scikit_learns() -> None:
    """Rows whose label was wrong at first leave nothing behind: the oracle knows the last ones."""
    table, baseline = binary_table(2, 3_000), BASELINES["binary"]
    rng = np.random.default_rng(0)
    flipped = rng.random(3_000) < 0.2
    truth = is_yes(table, "label")
    first: Table = {**table, "label": np.where(truth ^ flipped, "yes", "no").tolist()}
    summary = summed(joined(first, baseline), baseline)
    wrong = np.flatnonzero(flipped).tolist()
    summary.remove(joined(first, baseline, wrong))
    summary.update(joined(table, baseline, wrong))
    assert_alike(summary, summed(joined(table, baseline), baseline))
    guess, score = is_yes(table, "predicted"), table["score"]
    found = {name: one.value for name, one in realized(summary.labelled).items()}
    exact = {
        "accuracy": oracle.accuracy_score(truth, guess),
        "precision": oracle.precision_score(truth, guess),
        "recall": oracle.recall_score(truth, guess),
        "f1": oracle.f1_score(truth, guess),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, guess),
        "matthews": oracle.matthews_corrcoef(truth, guess),
        "log_loss": oracle.log_loss(truth, score),
        "brier": oracle.brier_score_loss(truth, score),
    }
    assert {name: found[name] for name in exact} == pytest.approx(exact, rel=1e-9)
    assert found["roc_auc"] == pytest.approx(oracle.roc_auc_score(truth, score), abs=1e-3)


def test_corrected_regressions_are_scikit_learns() -> None:
    """Of a regression too, where corrected labels lay far from all others."""
    table, baseline = regression_table(2, 2_000), BASELINES["regression"]
    labels = table["label"].copy()
    labels[::7] += 30
    first: Table = {**table, "label": labels}
    summary = summed(joined(first, baseline), baseline)
    wrong = range(0, 2_000, 7)
    summary.remove(joined(first, baseline, wrong))
    summary.update(joined(table, baseline, wrong))
    found = {name: one.value for name, one in realized(summary.labelled).items()}
    truth, guess = table["label"], table["predicted"]
    exact = {
        "mae": oracle.mean_absolute_error(truth, guess),
        "mse": oracle.mean_squared_error(truth, guess),
        "rmse": oracle.root_mean_squared_error(truth, guess),
        "r2": oracle.r2_score(truth, guess),
        "bias": float(np.mean(guess - truth)),
    }
    assert {name: found[name] for name in exact} == pytest.approx(exact, rel=1e-9)
    assert not summary.is_worn


@given(
    kind=st.sampled_from(KINDS),
    cuts=st.lists(st.integers(0, 60), min_size=2, max_size=2).map(sorted),
    features=st.booleans(),
)
def test_merging_is_summing_up_together_and_removing_undoes_it(
    kind: str, cuts: list[int], features: bool
) -> None:
    """Parts in any order come to the whole, and what is left of it to the rest."""
    table, baseline = TABLES[kind](3, 60), BASELINES[kind]
    pieces = [range(cuts[0]), range(cuts[0], cuts[1]), range(cuts[1], 60)]
    rows = [joined(table, baseline, list(piece), features=features) for piece in pieces]
    a, b, c = (summed(part, baseline) for part in rows)
    whole = summed(joined(table, baseline, features=features), baseline)
    assert_alike(a.merge(b).merge(c), whole)
    assert_alike(c.merge(a.merge(b)), whole)
    whole.remove(rows[1])
    assert_alike(whole, a.merge(c))
    again = OutcomeSummary.from_bytes(whole.to_bytes(), baseline)
    assert counts_of(again) == counts_of(whole)
    assert again.labelled.to_dict() == whole.labelled.to_dict()


def test_rows_that_never_came_cannot_be_removed() -> None:
    """They are refused, and nothing is changed."""
    table, baseline = binary_table(4, 50), BASELINES["binary"]
    summary = summed(joined(table, baseline, range(10)), baseline)
    before = counts_of(summary)
    with pytest.raises(ProfileMismatch, match="never counted"):
        summary.remove(joined(table, baseline, range(10, 30)))
    assert counts_of(summary) == before


def test_a_label_beyond_all_others_wears_the_rest() -> None:
    """Where a removed row was larger than digits go, the summary says that it must be made anew."""
    table, baseline = regression_table(4, 50), BASELINES["regression"]
    labels = table["label"].copy()
    labels[0] = 1e12
    summary = summed(joined({**table, "label": labels}, baseline), baseline)
    summary.remove(joined({**table, "label": labels}, baseline, [0]))
    assert summary.is_worn
    assert OutcomeSummary.from_bytes(summary.to_bytes(), baseline).is_worn
    summary.remove(joined(table, baseline, range(1, 50)))
    assert not summary.is_worn


def test_a_summary_is_small() -> None:
    """A thousand rows take some 2 kB, and 3 kB more where 20 features were captured."""
    rng = np.random.default_rng(0)
    table = binary_table(0) | {f"x{at}": rng.normal(size=4_000) for at in range(18)}
    baseline = fitted(table, score={"yes": "score"})
    bare = summed(joined(table, baseline, range(1_000)), baseline)
    full = summed(joined(table, baseline, range(1_000), features=True), baseline)
    assert len(bare.to_bytes()) < 3_000
    assert len(full.to_bytes()) < 5_000


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": -1},
        {"delays": [1] * 99},
        {"errors": {"x": [1]}},
        {"errors": {"nobody": [0] * 36}},
        {"metrics": {"m": {}}},
        {"labelled": {}},
        {"is_worn": 1},
        {"baseline_id": "another"},
    ],
    ids=str,
)
def test_damaged_bytes_are_refused(damage: Table) -> None:
    """Whatever is absent, of a wrong type or of another baseline is told."""
    baseline = BASELINES["binary"]
    packed = summed(joined(binary_table(0, 50), baseline, features=True), baseline).to_bytes()
    body = document.load(zlib.decompress(packed), "modelwatch.outcomes", 1, where="it") | damage
    again = zlib.compress(document.dump("modelwatch.outcomes", 1, less(body, "format")).encode())
    with pytest.raises(FormatError, match="outcomes"):
        OutcomeSummary.from_bytes(again, baseline)


@given(st.data())
def test_bytes_that_were_cut_or_changed_never_pass_unseen(data: st.DataObject) -> None:
    """A checksum and the readers of all fields find what was changed."""
    baseline = BASELINES["regression"]
    packed = summed(joined(regression_table(0, 30), baseline), baseline).to_bytes()
    at = data.draw(st.integers(2, len(packed) - 1))
    changed = bytes([packed[at] ^ data.draw(st.integers(1, 255))])
    damaged = data.draw(st.sampled_from([packed[:at], packed[:at] + changed + packed[at + 1 :]]))
    with pytest.raises(FormatError):
        OutcomeSummary.from_bytes(damaged, baseline)


def test_a_baseline_without_labels_is_told() -> None:
    """There is nothing to judge by, and the message says what to do."""
    baseline = fitted(less(binary_table(0), "label"), score={"yes": "score"})
    assert not can_be_judged(baseline)
    assert not can_be_judged(None)
    assert can_be_judged(BASELINES["binary"])
    with pytest.raises(ConfigurationError, match="label="):
        OutcomeSummary.empty(baseline)
    with pytest.raises(ConfigurationError, match="label="):
        errors_of(joined(binary_table(0, 5), BASELINES["binary"]), baseline)


def test_other_baselines_do_not_merge() -> None:
    """Rows that were summed up for another baseline are refused."""
    mine, theirs = (OutcomeSummary.empty(BASELINES[kind]) for kind in ("binary", "regression"))
    with pytest.raises(ProfileMismatch, match="cannot be put"):
        mine.merge(theirs)


def test_errors_are_wrong_classes() -> None:
    """A row's error is whether the predicted class is another one; by the scores without it."""
    table, baseline = binary_table(5, 300), BASELINES["binary"]
    rows = joined(table, baseline)
    expected = np.array(table["label"]) != np.array(table["predicted"])
    assert errors_of(rows, baseline).tolist() == expected.tolist()
    scored = JoinedRows(
        labels=["yes", "no", math.nan, "no", "?"],
        outputs={"score": [0.5, 0.49, 0.1, np.nan, 0.9]},
        predicted_ns=rows.predicted_ns[:5],
        labelled_ns=rows.labelled_ns[:5],
    )
    found = errors_of(scored, baseline)
    assert found == pytest.approx([0.0, 0.0, np.nan, np.nan, 1.0], nan_ok=True)


def test_errors_of_several_classes_follow_the_largest_score() -> None:
    """Without predictions the class is that of the largest score."""
    table = several_table(1, 200)
    baseline = fitted(less(several_table(0), "predicted"), score=SCORES)
    errors = errors_of(joined(table, baseline), baseline)
    expected = np.array(table["predicted"]) != np.array(table["label"])
    assert errors.tolist() == expected.tolist()


def test_errors_of_a_regression_are_in_units_of_its_labels() -> None:
    """|prediction - label| over the standard deviation of the baseline's labels."""
    table, baseline = regression_table(1, 200), BASELINES["regression"]
    labels = np.asarray(regression_table(0)["label"])
    expected = np.abs(table["predicted"] - table["label"]) / labels.std()
    assert errors_of(joined(table, baseline), baseline) == pytest.approx(expected, rel=1e-12)


def test_errors_by_feature_are_means_of_the_cells_rows() -> None:
    """The cells are near deciles; a mean is that of the raw errors, to 2**-15 of the unit."""
    table, baseline = regression_table(1, 2_000), BASELINES["regression"]
    rows = joined(table, baseline, features=True)
    summary, errors = summed(rows, baseline), errors_of(rows, baseline)
    cells = summary.errors.cells_of("w")
    places = cells.of_numbers(table["w"])
    assert set(summary.errors.names) == {"predicted", "x", "w"}
    assert summary.errors.rows("w").tolist() == np.bincount(places, minlength=11).tolist()
    for place in range(10):
        inside = errors[places == place]
        assert summary.errors.means("w")[place] == pytest.approx(inside.mean(), abs=2**-15)
        assert summary.errors.variances("w")[place] == pytest.approx(inside.var(), rel=1e-3)


def test_custom_metrics_are_means_of_their_values() -> None:
    """A metric is computed of all rows; where it is not defined a row counts as such."""
    table, baseline = binary_table(6, 500), BASELINES["binary"]

    def cost(labels: Any, predictions: Any, scores: Any) -> Any:
        missed = (labels == "yes") & (predictions == "no")
        return np.where(scores > 0.9, np.nan, np.where(missed, 100.0, 1.0))

    custom = CustomMetrics(metrics={"cost": cost})
    summary = OutcomeSummary.empty(baseline, custom=custom)
    rows = joined(table, baseline)
    summary.update(rows)
    missed = is_yes(table, "label") & ~is_yes(table, "predicted")
    defined = table["score"] <= 0.9
    values = np.where(missed, 100.0, 1.0)[defined]
    found = summary.metrics["cost"]
    assert (found.moments.n, found.undefined) == (defined.sum(), (~defined).sum())
    assert found.moments.mean == pytest.approx(values.mean())
    estimate = found.estimate(design_effect=2.0)
    assert estimate is not None
    error = values.std(ddof=1) * math.sqrt(2 / values.size)
    assert estimate.upper - estimate.value == pytest.approx(1.96 * error, rel=1e-3)
    again = OutcomeSummary.from_bytes(summary.to_bytes(), baseline, custom=custom)
    assert again.metrics["cost"].moments.mean == found.moments.mean
    again.remove(joined(table, baseline, range(100)))
    assert again.metrics["cost"].moments.mean == pytest.approx(
        np.where(missed, 100.0, 1.0)[100:][defined[100:]].mean()
    )


def test_a_metric_that_fails_is_told_and_left_out() -> None:
    """The join goes on; the rows count as failed, and somebody hears why."""
    baseline, told = BASELINES["binary"], []

    def fails(labels: Any, predictions: Any, scores: Any) -> Any:
        raise KeyError("amount")

    def short(labels: Any, predictions: Any, scores: Any) -> Any:
        return [1.0]

    custom = CustomMetrics(
        metrics={"fails": fails, "short": short},
        on_fault=lambda name, error: told.append((name, str(error))),
    )
    summary = OutcomeSummary.empty(baseline, custom=custom)
    summary.update(joined(binary_table(0, 50), baseline))
    assert summary.labelled.rows == 50
    assert {name: one.failed for name, one in summary.metrics.items()} == {
        "fails": 50,
        "short": 50,
    }
    assert told[0] == ("fails", "'amount'")
    assert "return one number for each of 50" in told[1][1]


def test_a_metric_that_came_later_cannot_be_corrected() -> None:
    """Which of the rows it saw is not known: it is dropped, and the rows must be summed up anew."""
    baseline = BASELINES["binary"]
    table = binary_table(0, 50)
    summary = summed(joined(table, baseline, range(25)), baseline)
    custom = CustomMetrics(metrics={"one": lambda labels, *rest: np.ones(labels.size)})
    later = OutcomeSummary.from_bytes(summary.to_bytes(), baseline, custom=custom)
    later.update(joined(table, baseline, range(25, 50)))
    assert later.metrics["one"].rows == 25
    later.remove(joined(table, baseline, range(5)))
    assert later.is_worn
    assert not later.metrics


def test_too_many_metrics_or_none_that_can_be_called_are_refused() -> None:
    """A registry is checked when it is made."""
    with pytest.raises(ConfigurationError, match="20 are the most"):
        CustomMetrics(metrics={f"m{at}": lambda labels, *rest: labels for at in range(21)})
    broken: Any = {"m": 3}
    with pytest.raises(ConfigurationError, match="is a int"):
        CustomMetrics(metrics=broken)


def test_delays_are_told_by_quantile() -> None:
    """A quantile lies in the bin of the exact one; nothing is told without labels."""
    baseline = BASELINES["binary"]
    rows = joined(binary_table(0, 2_000), baseline)
    summary = summed(rows, baseline)
    exact = np.quantile((rows.labelled_ns - rows.predicted_ns) / 1e9, [0.1, 0.5, 0.9])
    found = [summary.delays.quantile(share) for share in (0.1, 0.5, 0.9)]
    assert found == pytest.approx(exact, rel=0.05)
    assert np.isnan(OutcomeSummary.empty(baseline).delays.quantile(0.5))
