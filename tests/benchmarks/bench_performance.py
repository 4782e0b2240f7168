"""How near performance from summaries comes to performance from rows.

Run as ``python tests/benchmarks/bench_performance.py``. The classifier is a gradient boosting on a
synthetic set whose inputs drift; the regressor's errors grow with two of its inputs. Estimates
are held against the labels that they did not see. Last comes what all this costs a baseline, a
comparison and an export.
"""

from __future__ import annotations

import gzip
import json
import timeit
from collections import Counter
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import modelwatch as mw
from modelwatch.comparing import Thresholds
from modelwatch.comparing.performance import performance_of
from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from modelwatch.performance.cbpe import estimate_classification
from modelwatch.performance.dle import estimate_regression, fit_loss_model
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.telemetry.wire import encode_logs
from tests.labelled_tables import binary_table, fitted, without

Figure = tuple[str, str, str]
FloatArray = npt.NDArray[np.float64]

TRIALS = 300


def labelled(
    scores: FloatArray, truth: npt.NDArray[np.bool_], edges: FloatArray
) -> LabelledSummary:
    """Sum up scores with labels, .5 being the threshold."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": edges})
    predicted = ["yes" if one else "no" for one in (scores > 0.5).tolist()]
    summary.update(["yes" if one else "no" for one in truth.tolist()], predicted, scores)
    return summary


def scored(scores: FloatArray, edges: FloatArray) -> ScoreSummary:
    """Sum up scores without labels."""
    summary = ScoreSummary.empty({"yes": edges})
    summary.update(scores, ["yes" if one else "no" for one in (scores > 0.5).tolist()])
    return summary


def beta_rows(
    rng: np.random.Generator, rows: int, a: float
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return scores, and a truth of which they are too sure."""
    scores = rng.beta(a, 3.0, rows)
    return scores, rng.random(rows) < 0.15 + 0.7 * scores


def summaries_against_rows() -> list[Figure]:
    """Hold what bins give against the same computed row by row."""
    rng = np.random.default_rng(0)
    scores, truth = beta_rows(rng, 50_000, 2.0)
    calibration = fit_calibration(scores, truth)
    counts, areas, real_areas = [], [], []
    for known in (calibration, Calibration()):
        edges = bin_edges_for(known)
        current, labels = beta_rows(rng, 50_000, 3.0)
        found = estimate_classification(scored(current, edges), {"yes": known})
        chance, guess = known.apply(current), current > 0.5
        right = float(chance[guess].sum())
        expected = {"precision": right / guess.sum(), "recall": right / chance.sum()}
        counts += [abs(found[name].value - value) for name, value in expected.items()]
        order = np.argsort(current)
        p, q = chance[order], 1 - chance[order]
        area = float((p * (np.cumsum(q) - q / 2)).sum() / (p.sum() * q.sum()))
        areas.append(abs(found["roc_auc"].value - area))
        known_area = realized(labelled(current, labels, edges))["roc_auc"].value
        real_areas.append(abs(known_area - metrics.roc_auc_score(labels, current)))
    return [
        ("CBPE, confusion-based, against rows", "1e-12", f"{max(counts):.1e}"),
        ("CBPE, ROC-AUC, 100 bins, against rows", "1e-4", f"{max(areas):.1e}"),
        ("realised ROC-AUC, 100 bins, against scikit-learn", "1e-4", f"{max(real_areas):.1e}"),
    ]


def drifting_rows(
    rng: np.random.Generator, rows: int, shift: float
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return ten inputs, three of which move, and the truth."""
    x = rng.normal(size=(rows, 10))
    x[:, :3] += shift
    logit = x[:, 0] - x[:, 1] * x[:, 2] + 0.5 * x[:, 3] - 0.7
    return x, rng.random(rows) < 1 / (1 + np.exp(-logit))


def estimated_against_realised() -> list[Figure]:
    """Hold estimates on drifted inputs against the labels."""
    rng = np.random.default_rng(1)
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    model.fit(*drifting_rows(rng, 20_000, 0.0))

    def predicted(rows: int, shift: float) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        x, truth = drifting_rows(rng, rows, shift)
        return model.predict_proba(x)[:, 1], truth

    reference, truth = predicted(20_000, 0.0)
    calibration = fit_calibration(reference, truth)
    edges = bin_edges_for(calibration, scores=reference)
    before = realized(labelled(reference, truth, edges))
    errors: dict[str, list[float]] = {"roc_auc": [], "f1": []}
    changes: dict[str, list[float]] = {"roc_auc": [], "f1": []}
    chance: dict[str, list[float]] = {"roc_auc": [], "f1": []}
    for shift in np.linspace(-0.8, 0.8, 9):
        current, truth = predicted(10_000, float(shift))
        found = estimate_classification(scored(current, edges), {"yes": calibration})
        after = realized(labelled(current, truth, edges))
        for name in errors:
            errors[name].append(abs(found[name].value - after[name].value))
            changes[name].append(abs(before[name].value - after[name].value))
            chance[name].append((after[name].upper - after[name].lower) / 3.92)
    return [
        (
            f"CBPE, {name}, against labels under drift (mean of 9 windows)",
            f"sampling error {np.mean(chance[name]):.4f}",
            f"{np.mean(errors[name]):.4f} (it moved by {np.mean(changes[name]):.4f})",
        )
        for name in errors
    ]


def loss_rows(rng: np.random.Generator, rows: int, shift: float) -> tuple[FloatArray, FloatArray]:
    """Return six inputs, and errors whose size depends on two."""
    x = rng.normal(shift, 1.0, size=(rows, 6))
    return x, rng.normal(size=rows) * (0.5 + 0.4 * np.abs(x[:, 0]) + 0.3 * (x[:, 1] > 0))


def losses_against_realised() -> list[Figure]:
    """Hold DLE against the labels, and against a boosted model of the loss."""
    rng = np.random.default_rng(2)
    x, errors = loss_rows(rng, 20_000, 0.0)
    model = fit_loss_model(x, errors)
    boosted = HistGradientBoostingRegressor(random_state=0).fit(x, np.abs(errors))
    ours, theirs, exactness = [], [], []
    for shift in np.linspace(0, 1, 6):
        current, truth = loss_rows(rng, 20_000, float(shift))
        moments = model.empty_moments()
        moments.update(current)
        found = estimate_regression(moments, model)["mae"].value
        mae = float(np.abs(truth).mean())
        ours.append(abs(found / mae - 1))
        theirs.append(abs(float(boosted.predict(current).mean()) / mae - 1))
        exactness.append(abs(found - float(model.predict(current)[:, 0].mean())))
    return [
        ("DLE, mean from moments against rows", "1e-10", f"{max(exactness):.1e}"),
        (
            "DLE, relative error of the MAE under drift",
            "0.012 (boosted, by row)",
            f"{np.mean(ours):.4f} (boosted {np.mean(theirs):.4f})",
        ),
    ]


def coverage(
    sample: Callable[[np.random.Generator], tuple[dict[str, Estimate], dict[str, float]]],
) -> str:
    """Return the lowest and highest share of intervals that hold their truth, over metrics."""
    inside: Counter[str] = Counter()
    for seed in range(TRIALS):
        found, truth = sample(np.random.default_rng(seed))
        for name, one in found.items():
            inside[name] += one.lower <= truth[name] <= one.upper
    shares = sorted((count / TRIALS, name) for name, count in inside.items())
    (low, worst), (high, widest) = shares[0], shares[-1]
    return f"{low:.1%} ({worst}) to {high:.1%} ({widest})"


def coverages() -> list[Figure]:
    """Count how often 95% intervals hold what they should."""
    edges = np.arange(1, 100) / 100
    many = np.random.default_rng(99)
    population = {
        name: one.value
        for name, one in realized(labelled(*beta_rows(many, 2_000_000, 2.0), edges)).items()
    }
    scores, truth = beta_rows(many, 50_000, 2.0)
    calibration = fit_calibration(scores, truth)
    own = bin_edges_for(calibration, scores=scores)
    x, errors = loss_rows(many, 20_000, 0.0)
    model = fit_loss_model(x, errors)
    everywhere = loss_rows(many, 1_000_000, 0.0)[1]
    of_errors = {"mae": float(np.abs(everywhere).mean()), "mse": float(np.mean(everywhere**2))}

    def of_labels(
        rng: np.random.Generator,
    ) -> tuple[dict[str, Estimate], dict[str, float]]:
        return realized(labelled(*beta_rows(rng, 1_000, 2.0), edges)), population

    def of_scores(
        rng: np.random.Generator,
    ) -> tuple[dict[str, Estimate], dict[str, float]]:
        current, labels = beta_rows(rng, 1_000, 2.5)
        found = estimate_classification(scored(current, own), {"yes": calibration})
        after = realized(labelled(current, labels, own))
        return found, {name: one.value for name, one in after.items()}

    def of_regression(
        rng: np.random.Generator,
    ) -> tuple[dict[str, Estimate], dict[str, float]]:
        summary = RegressionSummary()
        found = loss_rows(rng, 1_000, 0.0)[1]
        summary.update(np.zeros(found.size), found)
        return {name: realized(summary)[name] for name in of_errors}, of_errors

    def of_inputs(
        rng: np.random.Generator,
    ) -> tuple[dict[str, Estimate], dict[str, float]]:
        current, now = loss_rows(rng, 1_000, 0.3)
        moments = model.empty_moments()
        moments.update(current)
        mse = float(np.mean(now**2))
        seen = {"mae": float(np.abs(now).mean()), "mse": mse, "rmse": mse**0.5}
        return estimate_regression(moments, model), seen

    return [
        ("95% intervals, classification, 1,000 rows", "95% +- 3", coverage(of_labels)),
        ("95% intervals, regression, 1,000 rows", "95% +- 3", coverage(of_regression)),
        ("95% bands of CBPE under drift, 1,000 rows", "95% +- 3", coverage(of_scores)),
        ("95% bands of DLE under drift, 1,000 rows", "95% +- 3", coverage(of_inputs)),
    ]


def speed() -> list[Figure]:
    """Return what it costs to fold in a million rows, in seconds of the processor."""
    rng = np.random.default_rng(3)
    scores, truth = beta_rows(rng, 1_000_000, 2.0)
    edges = bin_edges_for(fit_calibration(scores[:50_000], truth[:50_000]))
    predicted: list[str | None] = ["yes" if one else "no" for one in (scores > 0.5).tolist()]
    summary = ScoreSummary.empty({"yes": edges})
    started = process_time()
    summary.update(scores, predicted)
    return [("1,000,000 scores folded in", "0.3 s", f"{process_time() - started:.2f} s")]


def product() -> list[Figure]:
    """Return what performance costs in a baseline, in a comparison and on the wire."""
    inputs = np.random.default_rng(0).normal(size=(10, 100_000))
    table = binary_table(0, 100_000) | {f"input_{at}": one for at, one in enumerate(inputs)}
    roles: dict[str, Any] = {"score": "score"}
    fitted(table, **roles)  # loads what is loaded once
    started = process_time()
    fitted(without(table, "label"), **roles)
    blind, started = process_time() - started, process_time()
    baseline = fitted(table, **roles)
    seeing = process_time() - started
    document = json.dumps(json.loads(baseline.to_json())["performance"])
    now = {name: values[:10_000] for name, values in table.items()}
    profile = mw.Profile.from_data(now, baseline=baseline)
    profile.start_ns, profile.end_ns = 1, 60
    logs = [len(gzip.compress(encode_logs(profile, resource={})))]
    taken = min(timeit.repeat(lambda: performance_of(baseline, profile, Thresholds()), number=5))
    profile.scores = None
    logs.append(len(gzip.compress(encode_logs(profile, resource={}))))
    return [
        ("fit of 100,000 x 12 with labels, against without", "1.5 x", f"{seeing / blind:.2f} x"),
        (
            "its document: what labels add, compressed",
            "",
            f"{len(gzip.compress(document.encode())):,} bytes",
        ),
        ("an export: what scores add, compressed", "", f"{logs[0] - logs[1]:,} bytes"),
        ("performance of a window from its profile", "1 ms", f"{taken / 5 * 1e3:.2f} ms"),
    ]


def figures() -> list[Figure]:
    """Return what was measured: what, target, measured."""
    return [
        *summaries_against_rows(),
        *estimated_against_realised(),
        *losses_against_realised(),
        *coverages(),
        *speed(),
        *product(),
    ]


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:62} {target:26} {measured}")


if __name__ == "__main__":
    main()
