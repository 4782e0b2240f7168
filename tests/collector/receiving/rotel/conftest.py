"""These tests run where rotel is installed, which `make test-rotel` sees to."""

from __future__ import annotations

from tests.collector.receiving.rotel.agent import PROGRAMS

collect_ignore_glob = [] if PROGRAMS else ["test_*.py"]
