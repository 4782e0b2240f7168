"""How versions are compared, and what is enough to suggest something: the table ``[rollout]``."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from modelwatch.collector.alerting.rules import Duration
from modelwatch.report.harm import DECIDING

__all__ = ["RolloutTable", "margin_of"]

Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
Positive = Annotated[float, Field(strict=True, gt=0)]

LOSS_MARGIN: Final = 0.02
"""Of a loss that has no bounds, as a share of that of the stable version."""

SHARE_MARGIN: Final = 0.01
"""Of a metric in [0, 1]."""

LOSSES: Final = frozenset({"log_loss", "mae", "mse", "rmse", "brier", "bias"})


class RolloutTable(BaseModel):
    """The table ``[rollout]``.

    Attributes:
        metric: the one that decides whether a version is promoted; where it is not told, the
            accuracy of classes, the ROC-AUC of scores without classes, the mean absolute error of
            numbers.
        margin: by how much the candidate may be worse in that metric, in its units; where it is
            not told, .01 of metrics in [0, 1], and 2% of the stable version's loss.
        alpha: chance that a version no worse than the stable one is ever rolled back, and that
            one worse by more than the margin is ever promoted.
        minimum_rows: labelled rows, and calls, that each version must have.
        error_margin: by how much the share of failed calls may be higher.
        latency_margin: by which share calls may take longer on average.
        latency_seconds: by how much they may take longer in any case.
        retrain_windows: windows in a row with a performance surely below that of the baseline from
            which retraining is suggested.
        interval: time between two looks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str | None = Field(default=None, pattern=r"^[a-z0-9_.]{1,40}$")
    margin: Positive | None = None
    alpha: Share = 0.05
    minimum_rows: Annotated[int, Field(strict=True, ge=100)] = 500
    error_margin: Share = 0.005
    latency_margin: Positive = 0.2
    latency_seconds: Positive = 0.01
    retrain_windows: Annotated[int, Field(strict=True, ge=1, le=100)] = 3
    interval: Duration = 300


def margin_of(name: str, stable: float, rules: RolloutTable, *, is_deciding: bool) -> float:
    """Return by how much the candidate may be worse in a metric, in its units.

    Args:
        name: of the metric.
        stable: its value of the stable version.
        rules: what is configured.
        is_deciding: whether it is the metric that decides, for which a margin may be configured.

    >>> margin_of("mae", 12.5, RolloutTable(), is_deciding=True)
    0.25
    """
    if is_deciding and rules.margin is not None:
        return rules.margin
    if name in LOSSES or name.startswith("pinball_"):
        known = DECIDING.get(name)
        share = known.proven if known is not None else LOSS_MARGIN
        return max(share * abs(stable), 1e-12)
    return DECIDING[name].proven if name in DECIDING else SHARE_MARGIN
