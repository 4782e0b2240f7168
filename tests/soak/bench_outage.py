"""Memory and counts where the receiver is away for an hour of export intervals of a second.

The intervals are shortened to a hundredth; what waits does not depend on their length.
"""

from __future__ import annotations

from tests.soak.soak import outage

INTERVALS = 3_600
WARM_UP = 100
FLAT_MEGABYTES = 20.0


def figures() -> list[tuple[str, str, str]]:
    """Return memory early and late in the outage, and what arrived after it."""
    found = outage(INTERVALS, warm_up=WARM_UP)
    return [
        (
            f"memory {WARM_UP} intervals into an outage, and {INTERVALS:,} later",
            f"grows by at most {FLAT_MEGABYTES:g} MB",
            f"{found.before:.0f} MB, {found.after:.0f} MB",
        ),
        (
            "rows delivered after it + counted as dropped, of those called",
            "equal",
            f"{found.captured:,} + {found.dropped:,} = {found.called:,}",
        ),
    ]
