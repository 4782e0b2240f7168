"""Memory and messages where each of six features takes 100,000 distinct categories."""

from __future__ import annotations

from tests.soak.soak import many_categories

DISTINCT = 100_000
ROWS = 300_000
WARM_UP = 20_000
FLAT_MEGABYTES = 20.0


def figures() -> list[tuple[str, str, str]]:
    """Return memory before and after, and the longest message, with and without a baseline."""
    rows = []
    for name, with_baseline in (("with a baseline", True), ("without a baseline", False)):
        found = many_categories(
            ROWS, distinct=DISTINCT, warm_up=WARM_UP, with_baseline=with_baseline
        )
        rows += [
            (
                f"memory before and after {DISTINCT:,} categories in 6 features, {name}",
                f"grows by at most {FLAT_MEGABYTES:g} MB",
                f"{found.before:.0f} MB, {found.after:.0f} MB",
            ),
            (f"longest message, {name}, uncompressed", "", f"{found.longest:,} bytes"),
        ]
    return rows
