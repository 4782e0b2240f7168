"""How near numbers from summaries come to numbers from raw rows.

Run as ``python tests/benchmarks/bench_accuracy.py``. Distances are held against scipy's or a direct
formula on the same bins, the KS statistic from profiles against scipy's on the raw rows, and the
merge of a thousand shards against the whole.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

import modelwatch as mw
from modelwatch.comparisons.chi_square import chi_square
from modelwatch.comparisons.hellinger import hellinger_distance
from modelwatch.comparisons.js import js_distance
from modelwatch.comparisons.kl import kl_divergence
from modelwatch.comparisons.ks import ks_statistic
from modelwatch.comparisons.l_infinity import l_infinity
from modelwatch.comparisons.psi import psi
from modelwatch.comparisons.total_variation import total_variation
from modelwatch.comparisons.wasserstein import wasserstein_distance

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from modelwatch.sketches import Histogram
from tests.distributions import DISTRIBUTIONS, with_sentinels

MOVES = ((0.0, 1.0), (0.1, 1.0), (-0.1, 1.0), (0.5, 1.0), (0.0, 1.2), (99.0, 1.0))
"""Shift in spreads, and scale; the last is away altogether."""

SHARDS = 1_000


def distances() -> float:
    """Return the largest error of a distance on equal bins."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(300):
        x, y = rng.integers(1, 1_000, (2, rng.integers(2, 120)))
        p, q = x / x.sum(), y / y.sum()
        places = np.arange(p.size)
        steps = np.abs(np.cumsum(q - p)).max()
        left = np.concatenate([[0.0], np.cumsum(q - p)])
        whole = [abs(a) + abs(b) for a, b in pairwise(left)]
        area = sum(
            (a * a + b * b) / s / 2 if a * b < 0 else s / 2
            for (a, b), s in zip(pairwise(left), whole, strict=True)
        )
        table = stats.chi2_contingency([x, y], correction=False)
        pairs = [
            (psi(x, y, smoothing=0), ((q - p) * np.log(q / p)).sum()),
            (kl_divergence(x, y, smoothing=0), stats.entropy(q, p)),
            (js_distance(x, y), jensenshannon(p, q, base=2)),
            (ks_statistic(x, y), steps),
            (hellinger_distance(x, y), np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)),
            (total_variation(x, y), np.abs(p - q).sum() / 2),
            (l_infinity(x, y), np.abs(p - q).max()),
            (wasserstein_distance(x, y, np.append(places, p.size)), area),
            (chi_square(x, y).statistic / table.statistic, 1.0),
        ]
        errors += [abs(float(found) - float(expected)) for found, expected in pairs]
    return max(errors)


def ks_errors() -> dict[str, float]:
    """Return the largest error of the KS statistic of each distribution."""
    worst = dict.fromkeys(DISTRIBUTIONS, 0.0)
    for name, draw in DISTRIBUTIONS.items():
        rng = np.random.default_rng(3)
        reference, current = draw(rng, 100_000), draw(rng, 20_000)
        spread = float(np.subtract(*np.quantile(reference, [0.84, 0.16]))) / 2
        for is_spoiled in (False, True):
            before = with_sentinels(reference) if is_spoiled else reference
            baseline = mw.Baseline.fit({"x": before}, model="bench", version="1")
            for shift, scale in MOVES:
                moved = current * scale + shift * spread
                moved = np.round(moved, 9) if name == "rounded" else moved
                moved = with_sentinels(moved) if is_spoiled else moved
                found = mw.compare(baseline, {"x": moved}).features["x"].ks or 0.0
                expected = stats.ks_2samp(before, moved, method="asymp").statistic
                worst[name] = max(worst[name], abs(found - float(expected)))
    return worst


def merging(offset: float) -> tuple[int, float]:
    """Return how many counts differ after merging shards, and the error of the moments."""
    rng = np.random.default_rng(5)
    values = offset + rng.normal(size=(200_000, 3))
    table = {f"x{i}": values[:, i] for i in range(3)}
    baseline = mw.Baseline.fit(table, model="bench", version="1")
    whole = mw.Profile.from_data(table, baseline=baseline)
    merged = None
    for rows in np.array_split(np.arange(len(values)), SHARDS):
        part = mw.Profile.from_data({k: v[rows] for k, v in table.items()}, baseline=baseline)
        merged = part if merged is None else merged.merge(part)
    assert merged is not None
    wrong, error = 0, 0.0
    for name, column in table.items():
        a, b = merged.features[name], whole.features[name]
        assert a.moments is not None
        assert isinstance(a.values, Histogram)
        assert isinstance(b.values, Histogram)
        wrong += int(np.count_nonzero(a.values.counts != b.values.counts))
        exact = np.longdouble(column) - np.longdouble(offset)
        expected = float(exact.mean()), float(exact.var(ddof=1))
        found = a.moments.mean_offset + (a.moments.shift - offset), a.moments.variance
        error = max(
            error, *(abs(x - y) / max(abs(y), 1.0) for x, y in zip(found, expected, strict=True))
        )
    return wrong, error


def figures() -> list[tuple[str, str, str]]:
    """Return what is written into the table of results."""
    errors = ks_errors()
    worst = max(errors, key=lambda name: errors[name])
    rows = [
        ("nine distances on equal bins against scipy or a formula", "1e-12", f"{distances():.1e}"),
        (
            f"KS from profiles against raw rows, {len(errors)} distributions, moved six ways",
            "0.002",
            f"{errors[worst]:.5f} ({worst})",
        ),
    ]
    for offset in (0.0, 1e9):
        wrong, error = merging(offset)
        rows.append(
            (
                f"{SHARDS:,} shards merged against the whole, offset {offset:g}",
                "counts exact, moments 1e-12",
                f"{wrong} counts differ, moments {error:.1e}",
            )
        )
    return rows


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:100} {target:28} {measured}")


if __name__ == "__main__":
    main()
