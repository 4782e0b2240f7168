"""Adapters' doctests run where their framework is installed; see `make frameworks`."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("bentoml") else ["modelwatch_bentoml"]
