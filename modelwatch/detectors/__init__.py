"""Detectors of a change in a stream of values: small state, one value at a time. No I/O."""

from __future__ import annotations

from modelwatch.detectors.adwin import ADWIN
from modelwatch.detectors.page_hinkley import PageHinkley

__all__ = ["ADWIN", "PageHinkley"]
