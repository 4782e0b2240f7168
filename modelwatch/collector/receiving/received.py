"""What the receiver has seen: shown where no model is, so that a miss is never silent."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ReceiverCounts"]


@dataclass
class ReceiverCounts:
    """What came in since the collector was started. Only the receiver's event loop writes it.

    Attributes:
        requests: requests, refused ones too.
        points: points that were committed.
        duplicates: points that had been committed before.
        rejected: points of modelwatch that could not be used.
        foreign: points of other programs, which were let go.
        traces: requests with traces, which were let go.
        refused: requests that were answered with an error.
    """

    requests: int = 0
    points: int = 0
    duplicates: int = 0
    rejected: int = 0
    foreign: int = 0
    traces: int = 0
    refused: int = 0
