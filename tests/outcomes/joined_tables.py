"""Tables of predictions and labels as the rows that the collector joins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelwatch.baseline import Baseline
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from tests.labelled_tables import binary_table, fitted, regression_table, several_table

Table = dict[str, Any]

SECOND = 1_000_000_000

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


def joined(
    table: Table,
    baseline: Baseline,
    places: Sequence[int] | None = None,
    *,
    features: bool = False,
    seed: int = 0,
) -> JoinedRows:
    """Return rows of a table, predicted one a second and labelled up to a day later."""
    size = len(table["label"])
    rows = range(size) if places is None else places
    delays = np.random.default_rng(seed).integers(1, 86_400, size) * SECOND
    predicted = np.arange(size) * SECOND

    def column(name: str) -> list[Any]:
        values = table[name]
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        return [plain[row] for row in rows]

    return JoinedRows(
        labels=column("label"),
        outputs={name: column(name) for name in baseline.outputs},
        predicted_ns=predicted[list(rows)],
        labelled_ns=(predicted + delays)[list(rows)],
        features={name: column(name) for name in baseline.inputs} if features else {},
    )
