"""Memory over ten million rows of 30 features: all of them captured, and called at full speed."""

from __future__ import annotations

from tests.soak.soak import many_rows

ROWS = 10_000_000
WARM_UP = 500_000
FLAT_MEGABYTES = 20.0


def figures() -> list[tuple[str, str, str]]:
    """Return memory before and after, and what became of the rows."""
    rows = []
    for name, at_full_speed in (("all captured", False), ("at full speed", True)):
        found = many_rows(ROWS, warm_up=WARM_UP, at_full_speed=at_full_speed)
        rows += [
            (
                f"memory after {WARM_UP:,} rows, and after {ROWS:,} more, {name}",
                f"grows by at most {FLAT_MEGABYTES:g} MB",
                f"{found.before:.0f} MB, {found.after:.0f} MB",
            ),
            (
                f"rows captured + dropped, of those called, {name}",
                "equal",
                f"{found.captured:,} + {found.dropped:,} = {found.called:,}",
            ),
        ]
    return rows
