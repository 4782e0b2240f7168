"""Detectors of a change in a stream of values: small state, one value at a time. No I/O."""

from __future__ import annotations

from modelwatch.detectors.adwin import ADWIN
from modelwatch.detectors.cusum import CUSUM
from modelwatch.detectors.ddm import DDM
from modelwatch.detectors.eddm import EDDM
from modelwatch.detectors.hddm_a import HDDM_A
from modelwatch.detectors.hddm_w import HDDM_W
from modelwatch.detectors.kswin import KSWIN
from modelwatch.detectors.page_hinkley import PageHinkley

__all__ = ["ADWIN", "CUSUM", "DDM", "EDDM", "HDDM_A", "HDDM_W", "KSWIN", "PageHinkley"]
