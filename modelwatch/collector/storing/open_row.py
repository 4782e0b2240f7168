"""A row of the fleet in memory, while what it tells of still comes in."""

from __future__ import annotations

from typing import Final

from modelwatch.collector.storing.accumulator import Accumulator
from modelwatch.collector.storing.arrival_rows import ArrivalRow
from modelwatch.collector.storing.merged_rows import Level, MergedRow
from modelwatch.collector.storing.other_parts import Others
from modelwatch.collector.storing.senders import SMALLEST, sender_hash

__all__ = ["OpenRow"]

ROW_BYTES: Final = 4_096
"""What a row takes besides its vectors, more or less."""


class OpenRow:
    """A row that still grows.

    Attributes:
        row_id: its number in the file; None where it is not there yet.
        changes: how many arrivals were added.
        written: how many of them the file has.

    Args:
        first: an arrival that will be added; it says whose row this is.
    """

    def __init__(self, first: ArrivalRow) -> None:
        self.version_id = first.version_id
        self.segment = first.segment
        self.baseline_id = first.baseline_id
        self.start_ns = first.start_ns
        self.end_ns = first.end_ns
        self.through_id = 0
        self.row_count = 0
        self.senders: set[int] = set()
        self.sums = Accumulator()
        self.others = Others()
        self.row_id: int | None = None
        self.changes = 0
        self.written = 0

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory, more or less."""
        return ROW_BYTES + self.sums.nbytes + self.others.nbytes

    def add(self, arrival: ArrivalRow) -> None:
        """Add one arrival."""
        self.changes += 1
        self.sums.add(arrival.vectors)
        if arrival.others is not None:
            self.others.add_packed(arrival.others)
        self.start_ns = min(self.start_ns, arrival.start_ns)
        self.end_ns = max(self.end_ns, arrival.end_ns)
        self.through_id = max(self.through_id, arrival.id)
        self.row_count += arrival.row_count
        self.senders.add(sender_hash(arrival.instance))
        if len(self.senders) > 2 * SMALLEST:
            self.senders = set(sorted(self.senders)[:SMALLEST])

    def row(self) -> MergedRow:
        """Return what is to be written."""
        return MergedRow(
            version_id=self.version_id,
            level=Level.MINUTE,
            segment=self.segment,
            baseline_id=self.baseline_id,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            through_id=self.through_id,
            row_count=self.row_count,
            senders=self.senders,
            vectors=self.sums.vectors(),
            others=self.others.packed(),
        )
