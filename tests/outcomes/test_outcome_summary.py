"""What joined rows come to."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from modelwatch import document
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.outcomes.read_rows import can_be_judged, errors_of
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.profile import Profile
from tests.labelled_tables import binary_table, fitted, is_yes, regression_table
from tests.labelled_tables import without as less
from tests.outcomes.joined_tables import BASELINES, KINDS, TABLES, joined, summed

Table = dict[str, Any]


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
