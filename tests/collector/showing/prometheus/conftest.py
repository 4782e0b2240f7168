"""One collector and one Prometheus for all tests: they only read what both came to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collector.showing.prometheus.stage import Stage, set_up


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage once everything that is to be seen on it is."""
    with set_up(tmp_path_factory.mktemp("stage")) as found:
        yield found
