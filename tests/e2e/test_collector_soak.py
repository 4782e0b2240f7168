"""A short share of the collector's soak: `make collector-soak` is the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.collector_soak.damage import Damage
from tests.e2e.collector_soak.day import Day, Plan
from tests.e2e.collector_soak.figures import MOST_MEGABYTES, figures


@pytest.mark.slow
async def test_a_day_with_faults_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """Amid locks, full files, jumping clocks and kills, each export is stored and judged once."""
    plan = Plan(replicas=60, hours=6, interval_seconds=1_800, kills=2)
    day = Day(tmp_path, plan)
    await day.run()
    assert len(day.cured) == 8
    assert day.memory.most < MOST_MEGABYTES
    assert set(day.load.answers) <= {0, 200, 503}
    assert set(day.readers.answers) <= {0, 200, 503}
    assert figures(day, Damage(tmp_path))


@pytest.mark.slow
async def test_a_disk_that_fails_is_said_and_recovered_from(tmp_path: Path) -> None:
    """A full and a read-only disk are said, where one may be mounted; cured, all is there once."""
    damage = Damage(tmp_path)
    await damage.run_disk()
    assert {*damage.said, *damage.not_tried} == {"a full disk", "a read-only disk"}


@pytest.mark.slow
async def test_a_backup_cures_corrupt_pages(tmp_path: Path) -> None:
    """Damaged pages are found and said; a backup and what is sent again are all that came."""
    damage = Damage(tmp_path)
    await damage.run_pages()
    assert "corrupt pages" in damage.said
