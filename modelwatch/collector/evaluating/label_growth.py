"""Which evaluated windows are to be evaluated again, as labels of their predictions came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from modelwatch.collector.evaluating.label_reader import EVER, LabelReader
from modelwatch.collector.storing.store import EvaluationLog
from modelwatch.collector.windows import HORIZON_WINDOWS, TimeWindow
from modelwatch.comparing import Thresholds

__all__ = ["LabelGrowth", "has_grown"]

LEAST_GROWTH: Final = 0.1
"""Share by which labelled rows must have changed: each label alone is no reason to compare anew."""


def has_grown(before: int, now: int) -> bool:
    """Tell whether so many labels came, or were taken back, that a window is to be judged anew.

    Args:
        before: labelled rows when it was judged.
        now: labelled rows that there are.

    >>> has_grown(0, 30), has_grown(0, 60), has_grown(1_000, 1_050), has_grown(1_000, 1_100)
    (False, True, False, True)
    """
    if max(before, now) < Thresholds().minimum_rows:
        return False
    return abs(now - before) >= max(1.0, LEAST_GROWTH * before)


@dataclass
class _Known:
    """What is known of one version's windows.

    Attributes:
        looked_through: what `LabelReader.through` said of all windows together when
            each was last found to be up to date.
        judged: labelled rows that were there when a window was evaluated.
        through: what it said of a window that is up to date.
    """

    judged: dict[TimeWindow, int]
    looked_through: int = 0
    through: dict[TimeWindow, int] = field(default_factory=dict)


class LabelGrowth:
    """Remembers how many labels each evaluated window had. Blocking: disk.

    Thread-safety: a version is asked about and told of by one thread at a time.
    Memory: some 200 bytes a window of `HORIZON_WINDOWS` for each version that has labels.

    Args:
        labels: reads predictions and their labels.
        log: what an earlier process evaluated.
        window_seconds: length of the windows.
    """

    def __init__(self, labels: LabelReader, log: EvaluationLog, *, window_seconds: int) -> None:
        self._labels = labels
        self._log = log
        self._seconds = window_seconds
        self._known: dict[tuple[str, str, str], _Known] = {}

    def due(
        self, model: str, version: str, baseline_id: str, evaluated: Iterable[TimeWindow]
    ) -> list[TimeWindow]:
        """Return which of the evaluated windows are to be evaluated again, oldest first.

        Where nothing came since all were found to be up to date, one number is read.

        Args:
            model: the model.
            version: its version.
            baseline_id: what they were compared with.
            evaluated: windows that were.
        """
        through = self._labels.through(model, version, EVER)
        if not through:
            return []
        known = self._of(model, version, baseline_id)
        if known.looked_through == through:
            return []
        windows = [window for window in evaluated if window.seconds == self._seconds]
        grown = [window for window in windows if self._is_due(known, model, version, window)]
        if not grown:
            known.looked_through = through
        _keep(known.judged, windows)
        _keep(known.through, windows)
        return sorted(grown, key=lambda window: window.end_ns)

    def evaluated(
        self, model: str, version: str, baseline_id: str, window: TimeWindow, labelled: int
    ) -> None:
        """Note how many labels a window had when it was evaluated."""
        known = self._known.get((model, version, baseline_id))
        if known is not None:
            known.judged[window] = labelled
            known.through.pop(window, None)

    def _is_due(self, known: _Known, model: str, version: str, window: TimeWindow) -> bool:
        counted = self._labels.counted(model, version, window)
        if not counted.through or known.through.get(window) == counted.through:
            return False
        if has_grown(known.judged.get(window, 0), counted.labelled):
            return True
        known.through[window] = counted.through
        return False

    def _of(self, model: str, version: str, baseline_id: str) -> _Known:
        key = (model, version, baseline_id)
        if key not in self._known:
            latest = self._log.summaries(
                model, version, limit=HORIZON_WINDOWS, seconds=self._seconds
            )
            judged = {
                one.window: one.summary.labels.labelled
                for one in latest
                if one.baseline_id == baseline_id and one.summary.labels is not None
            }
            for other in [k for k in self._known if k[:2] == key[:2]]:
                del self._known[other]
            self._known[key] = _Known(judged=judged)
        return self._known[key]


def _keep(numbers: dict[TimeWindow, int], windows: Iterable[TimeWindow]) -> None:
    """Let go of windows that are no longer looked at."""
    kept: Mapping[TimeWindow, None] = dict.fromkeys(windows)
    for window in [one for one in numbers if one not in kept]:
        del numbers[window]
