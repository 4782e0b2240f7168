"""Stored evaluations of a model version, page by page, from the latest back."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.collector.evaluating.persisting import (
    EvaluatedWindow,
    read_windows,
    windows_needed,
)
from modelwatch.collector.serving.cursors import decode_cursor, encode_cursor
from modelwatch.collector.storing.store import EvaluationLog
from modelwatch.collector.windows import LATEST_NS
from modelwatch.persistence import Persistence

__all__ = ["EvaluationPage"]

_MOST_SKIPPED = 10_000


@dataclass(frozen=True, kw_only=True)
class EvaluationPage:
    """Evaluated windows, oldest first, and where those before them are found.

    Attributes:
        windows: what this page shows.
        next_cursor: of the page with the windows before; None where there are none.
    """

    windows: list[EvaluatedWindow]
    next_cursor: str | None

    @classmethod
    def read(
        cls,
        log: EvaluationLog,
        model: str,
        version: str,
        cursor: str | None,
        limit: int,
        persistence: Persistence,
        *,
        seconds: int,
        aligned: bool = True,
    ) -> EvaluationPage:
        """Return a page of the windows of one length, on its grid or all. Blocking.

        A cursor is the end of a window, and how many of the evaluations of windows that end there
        were shown: it may have been compared with several baselines.

        Raises:
            Problem: 400 where the cursor is none of this list.
        """
        until_ns, skipped = decode_cursor(cursor, int, int) if cursor else (LATEST_NS, 0)
        skipped = min(skipped, _MOST_SKIPPED)
        wanted = limit + windows_needed(persistence) + skipped
        found = log.summaries(
            model, version, limit=wanted, until_ns=until_ns, seconds=seconds, aligned=aligned
        )
        kept = found[: len(found) - skipped]
        page = read_windows(kept, persistence)[-limit:]
        if len(kept) <= limit:
            return cls(windows=page, next_cursor=None)
        first_ns = page[0].evaluation.window.end_ns
        shown = sum(window.evaluation.window.end_ns == first_ns for window in page)
        if first_ns == until_ns:
            shown += skipped
        return cls(windows=page, next_cursor=encode_cursor(first_ns, shown))
