"""These tests run where KServe is installed: in the environment of `make examples`."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("kserve") else ["test_*.py"]
