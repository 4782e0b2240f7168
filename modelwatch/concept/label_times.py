"""When the labels came at which a stream may be cut, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body

__all__ = ["LabelTimes", "Mark"]

IntArray = npt.NDArray[np.int64]

NEIGHBOURS: Final = 31
"""Labels of whose predictions the median time is taken: labels of one day may be of predictions of
many."""

MOST_MARKS: Final = 512
"""Times kept before those are dropped at which the stream can no longer be cut."""


class Mark(NamedTuple):
    """Times at one label of the stream.

    Attributes:
        row: its number in the stream.
        labelled_ns: when it became known.
        predicted_ns: median time of the predictions of this label and those before.
    """

    row: int
    labelled_ns: int
    predicted_ns: int


class LabelTimes:
    """Times of those labels of a stream before which it may be cut. Not thread-safe.

    Memory: 512 marks at most, besides those of the rows of one call.

    >>> times = LabelTimes()
    >>> times.append(np.array([5, 6]), np.array([1, 2]))
    >>> times.at(1)
    Mark(row=1, labelled_ns=6, predicted_ns=1)
    """

    __slots__ = ("_marks", "_recent", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._marks: list[Mark] = []
        self._recent: IntArray = np.empty(0, np.int64)

    def append(self, labelled_ns: IntArray, predicted_ns: IntArray) -> None:
        """Take the times of the next labels, shape (n,)."""
        middles = self._medians(predicted_ns)
        rows = range(self.rows, self.rows + labelled_ns.size)
        self._marks += map(Mark, rows, labelled_ns.tolist(), middles.tolist())
        self.rows += labelled_ns.size

    def at(self, row: int) -> Mark:
        """Return the times at a label, or at the last one before it that is known."""
        earlier = [mark for mark in self._marks if mark.row <= row]
        return earlier[-1] if earlier else self._marks[0]

    @property
    def is_full(self) -> bool:
        """Whether it is time to drop what is no longer needed."""
        return len(self._marks) > MOST_MARKS

    def keep(self, rows: Iterable[int]) -> None:
        """Drop all but the times of these labels."""
        wanted = set(rows)
        self._marks = [mark for mark in self._marks if mark.row in wanted]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "rows": self.rows,
            "marks": [list(mark) for mark in self._marks],
            "recent": self._recent.tolist(),
        }

    @classmethod
    def from_dict(cls, body: Body) -> LabelTimes:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or of a wrong type.
        """
        result = cls()
        result.rows = document.count(body, "rows")
        marks, recent = body.get("marks"), body.get("recent")
        if not isinstance(marks, list) or not all(
            _are_times(mark, len(Mark._fields)) for mark in marks
        ):
            document.refuse(body, "marks", "a list of labels' numbers and times")
        if not _are_times(recent):
            document.refuse(body, "recent", "a list of times")
        result._marks = [Mark(*mark) for mark in marks]
        result._recent = np.array(recent, dtype=np.int64)
        return result

    def _medians(self, predicted_ns: IntArray) -> IntArray:
        """Return the lower median of each time and those before it."""
        known = np.concatenate([self._recent, predicted_ns.astype(np.int64)])
        first = self._recent.size
        self._recent = known[max(known.size - NEIGHBOURS + 1, 0) :].copy()
        found = np.empty(predicted_ns.size, np.int64)
        early = min(max(NEIGHBOURS - 1 - first, 0), predicted_ns.size)
        for place in range(early):
            window = np.sort(known[: first + place + 1])
            found[place] = window[(window.size - 1) // 2]
        if early < predicted_ns.size:
            windows = np.lib.stride_tricks.sliding_window_view(known, NEIGHBOURS)
            middle = NEIGHBOURS // 2
            found[early:] = np.partition(windows, middle, axis=1)[:, middle]
        return found


def _are_times(values: object, size: int | None = None) -> bool:
    latest = document.LATEST_NS
    return (
        isinstance(values, list)
        and size in (None, len(values))
        and all(document.is_whole(value, -latest, latest) for value in values)
    )
