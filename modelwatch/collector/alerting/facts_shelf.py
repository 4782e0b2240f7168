"""The latest finished windows of every model version, as rules see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwatch.collector.alerting.alert_store import VersionKey
from modelwatch.collector.alerting.facts import WindowFacts, facts_of
from modelwatch.collector.evaluating.due_windows import choose_windows
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.storing.store import VersionSeen, WindowSource
from modelwatch.collector.windows import NANOSECONDS, TimeWindow

__all__ = ["FactsShelf", "catch_up"]


class FactsShelf:
    """Keeps the facts of the ``capacity`` latest windows of each version. Not thread-safe.

    As many more are kept where they are the latest whose labels came: these lag behind the windows
    by hours or months.

    Memory: some 1 kB a window in which features were found.

    Args:
        kept: what is known already.
        window_seconds: length of the windows; others are left out.
        capacity: how many windows of a version are kept.
    """

    def __init__(
        self,
        kept: Mapping[VersionKey, Sequence[WindowFacts]],
        *,
        window_seconds: int,
        capacity: int,
    ) -> None:
        self.capacity = capacity
        self._window_seconds = window_seconds
        self._facts: dict[VersionKey, dict[TimeWindow, WindowFacts]] = {}
        self._uncommitted: set[tuple[VersionKey, TimeWindow]] = set()
        for key, facts in kept.items():
            for one in facts:
                self.add(key, one)
        self._uncommitted.clear()

    @property
    def facts(self) -> dict[VersionKey, list[WindowFacts]]:
        """What is known, by version, oldest first."""
        return {key: list(windows.values()) for key, windows in self._facts.items()}

    @property
    def uncommitted(self) -> list[tuple[VersionKey, WindowFacts]]:
        """What was added since `committed` was last called."""
        return [
            (key, windows[window])
            for key, windows in self._facts.items()
            for window in windows
            if (key, window) in self._uncommitted
        ]

    @property
    def kept(self) -> dict[VersionKey, list[int]]:
        """When the windows end that are known, by version."""
        return {key: [w.end_ns for w in windows] for key, windows in self._facts.items()}

    def of(self, key: VersionKey) -> dict[TimeWindow, WindowFacts]:
        """Return what is known of one version, oldest first."""
        return self._facts.get(key, {})

    def add(self, key: VersionKey, facts: WindowFacts) -> None:
        """Take in a window, in place of what was known of it."""
        if facts.window.seconds != self._window_seconds:
            return
        windows = {**self.of(key), facts.window: facts}
        ordered = sorted(windows, key=lambda window: window.end_ns)
        labelled = [window for window in ordered if windows[window].labelled]
        kept = {*ordered[-self.capacity :], *labelled[-self.capacity :]}
        self._facts[key] = {window: windows[window] for window in ordered if window in kept}
        self._uncommitted.add((key, facts.window))

    def committed(self, facts: Sequence[tuple[VersionKey, WindowFacts]]) -> None:
        """Note what the store has now."""
        stored = {(key, one.window) for key, one in facts if self.of(key).get(one.window) is one}
        self._uncommitted -= stored

    def keep(self, versions: Sequence[VersionSeen], *, until_ns: int) -> None:
        """Forget versions that are no more, and what no longer counts among the latest.

        Args:
            versions: those that there are.
            until_ns: windows that end later are of a clock that was set back since; they would
                count as the latest until their time has come.
        """
        known = {(seen.model, seen.version) for seen in versions}
        self._facts = {
            key: {w: facts for w, facts in windows.items() if w.end_ns <= until_ns}
            for key, windows in self._facts.items()
            if key in known
        }
        self._uncommitted = {pair for pair in self._uncommitted if pair[1] in self.of(pair[0])}


def catch_up(
    shelf: FactsShelf,
    seen: VersionSeen,
    source: WindowSource,
    evaluator: Evaluator,
    *,
    before_ns: int,
    seconds: int,
) -> list[WindowFacts]:
    """Judge finished windows of which nothing is known. Blocking: CPU and disk.

    Args:
        shelf: what is known.
        seen: the version.
        source: tells which windows hold data.
        evaluator: compares them.
        before_ns: windows that end later are not finished.
        seconds: length of a window.
    """
    width_ns = seconds * NANOSECONDS
    known = shelf.of((seen.model, seen.version))
    due = choose_windows(
        source.filled_windows(
            seen.model,
            seen.version,
            seconds=seconds,
            since_ns=max(0, before_ns - shelf.capacity * width_ns),
        ),
        {window: facts.through_id for window, facts in known.items()},
        seconds=seconds,
        before_ns=before_ns,
    )
    return [facts_of(evaluator.assess(seen.model, seen.version, window)) for window in due]
