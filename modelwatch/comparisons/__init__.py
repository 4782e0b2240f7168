"""Distances between two distributions, and how likely chance alone makes them. No I/O."""

from __future__ import annotations

from modelwatch.comparisons.chi_square import ChiSquare, chi_square
from modelwatch.comparisons.design_effect import (
    DesignEffect,
    clustered_p_value,
    fit_design_effect,
)
from modelwatch.comparisons.false_discovery import benjamini_hochberg
from modelwatch.comparisons.js import js_distance
from modelwatch.comparisons.kl import kl_divergence
from modelwatch.comparisons.ks import ks_statistic
from modelwatch.comparisons.psi import psi, psi_noise_floor
from modelwatch.comparisons.rare_events import rate_p_value
from modelwatch.comparisons.wasserstein import wasserstein_distance

__all__ = [
    "ChiSquare",
    "DesignEffect",
    "benjamini_hochberg",
    "chi_square",
    "clustered_p_value",
    "fit_design_effect",
    "js_distance",
    "kl_divergence",
    "ks_statistic",
    "psi",
    "psi_noise_floor",
    "rate_p_value",
    "wasserstein_distance",
]
