"""These tests run where the servers are installed: in the environment of `make frameworks`."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("litserve") else ["test_*.py"]
