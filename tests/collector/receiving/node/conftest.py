"""These tests run where their packages are installed, which `make test-node` sees to."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

collect_ignore_glob = [] if (HERE / "node_modules").is_dir() else ["test_*.py"]
