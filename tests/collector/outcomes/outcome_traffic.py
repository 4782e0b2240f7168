"""Predictions of a small classifier, their labels, and what they come to by hand."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

import modelwatch as mw
from modelwatch.collector.windows import TimeWindow
from modelwatch.telemetry.wire.outcomes import LabelRows, OutcomeValue, PredictionRows

MODEL = "fraud/eu"
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
NOW_NS = 1_700_000_000 * SECOND
THIS_HOUR = TimeWindow.aligned(NOW_NS // HOUR, seconds=3_600)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ns = NOW_NS

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns


@cache
def fraud_baseline(version: str = "1", seed: int = 0) -> mw.Baseline:
    """Return what a version was trained on."""
    random = np.random.default_rng(seed)
    scores = random.random(500).round(3)
    table = {
        "score": scores.tolist(),
        "class": ["yes" if score > 0.5 else "no" for score in scores],
        "label": ["yes" if random.random() < score else "no" for score in scores],
    }
    return mw.Baseline.fit(
        table,
        model=MODEL,
        version=version,
        prediction="class",
        score={"yes": "score"},
        label="label",
    )


def predictions(
    ids: Sequence[str],
    scores: Sequence[float],
    *,
    version: str = "1",
    times_ns: Sequence[int] | None = None,
    segments: Sequence[str] | None = None,
    sample_rate: float = 1.0,
) -> PredictionRows:
    """Return predictions whose class follows from their scores."""
    return PredictionRows(
        model=MODEL,
        version=version,
        ids=ids,
        times_ns=times_ns or [NOW_NS] * len(ids),
        outputs={
            "class": ["yes" if score > 0.5 else "no" for score in scores],
            "score": list(scores),
        },
        segments=segments,
        sample_rate=sample_rate,
    )


def labels(
    ids: Sequence[str], values: Sequence[OutcomeValue], at_ns: int | Sequence[int] = NOW_NS
) -> LabelRows:
    """Return labels of predictions."""
    times = [at_ns] * len(ids) if isinstance(at_ns, int) else at_ns
    return LabelRows(model=MODEL, ids=ids, labels=values, times_ns=times)


def crash_image(path: Path, target: Path) -> Path:
    """Return a copy of a store's file as a process leaves it that is killed now."""
    shutil.copy(path, target)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        shutil.copy(log, target.with_name(f"{target.name}-wal"))
    return target
