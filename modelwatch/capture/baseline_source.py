"""Where a watch has its baseline from: an object, a file, or a collector."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from modelwatch.baseline import Baseline
from modelwatch.capture.baseline_file import load_baseline
from modelwatch.capture.guard import Guard
from modelwatch.file_names import is_url
from modelwatch.telemetry.steering import Steering

if TYPE_CHECKING:
    from modelwatch.capture.polled import CollectorPoll, Polled

__all__ = ["BaselineSource"]


class BaselineSource:
    """Hands a watch its baseline: at once, or each that its collector has, when it has it.

    The collector is asked for its steering of the watch too. Thread-safe.

    Args:
        source: a baseline, its file, the URL of a collector, or None.
        model: the model that is watched.
        version: its version.
        adopt: takes the baseline; called by `seek` or by the thread that asks.
        guard: logs that a collector gave none.
        collector: URL of the collector that steers; where None, the one that has the baseline.
        steer: takes the steering; nothing is asked for where None.

    Raises:
        FormatError: where the file is absent or damaged.
        ConfigurationError: where the source is of another type, or of another model version, or a
            URL names no host.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Baseline | None,
        *,
        model: str,
        version: str,
        adopt: Callable[[Baseline], None],
        guard: Guard,
        collector: str | None = None,
        steer: Callable[[Steering], None] | None = None,
    ) -> None:
        self._adopt = adopt
        self._found: Baseline | None = None
        self._poll: CollectorPoll | None = None
        url = source if isinstance(source, str) and is_url(source) else None
        steered_by = collector if collector is not None else url
        if url is None and source is not None:
            self._found = load_baseline(source, model=model, version=version)
        if steered_by is None:
            return
        # Here, as most watches ask no collector, and those that do are to fail where they are made.
        from modelwatch.capture.baseline_url import BaselineUrl
        from modelwatch.capture.polled import CollectorPoll
        from modelwatch.capture.steering import SteeringUrl

        documents: list[Polled] = []
        if url is not None:
            documents.append(
                BaselineUrl(url, model=model, version=version, adopt=adopt, guard=guard)
            )
        if steer is not None:
            documents.append(
                SteeringUrl(steered_by, model=model, version=version, steer=steer, guard=guard)
            )
        self._poll = CollectorPoll(documents, guard=guard) if documents else None

    def reset(self) -> None:
        """Forget the thread: what a forked child needs, as it has not inherited it."""
        if self._poll is not None:
            self._poll.reset()

    def seek(self, *, wait_seconds: float = 0.0) -> None:
        """Hand over the baseline where that was not done before; ask the collector what is new.

        Args:
            wait_seconds: how long to wait for the collector's answer, which is handed over when it
                comes in any case.
        """
        found, self._found = self._found, None
        if found is not None:
            self._adopt(found)
        if self._poll is not None:
            self._poll.start_round(wait_seconds=wait_seconds)
