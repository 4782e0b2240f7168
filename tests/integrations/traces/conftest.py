"""These tests run where the backends are installed: in the environment of `make test-traces`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.integrations.traces.backends import Backends, running

collect_ignore_glob = [] if find_spec("phoenix") else ["test_*.py"]


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """Phoenix, rotel, and the service of the example that sends to them."""
    folder: Path = tmp_path_factory.mktemp("backends")
    with running(folder) as found:
        yield found
