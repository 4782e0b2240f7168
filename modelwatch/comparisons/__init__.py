"""Distances between two distributions, and how likely chance alone makes them. No I/O."""

from __future__ import annotations

from modelwatch.comparisons.chi_square import ChiSquare, chi_square, chi_square_p_value
from modelwatch.comparisons.combining import cauchy_combination, weighted_bonferroni
from modelwatch.comparisons.correlation import CorrelationDrift, correlation_drift
from modelwatch.comparisons.design_effect import DesignEffect, fit_design_effect
from modelwatch.comparisons.false_discovery import benjamini_hochberg
from modelwatch.comparisons.gaussian_kl import GaussianKL, gaussian_kl
from modelwatch.comparisons.hellinger import hellinger_distance
from modelwatch.comparisons.hotelling import MeanShift, hotelling
from modelwatch.comparisons.joint_effect import JointEffect, fit_joint_effect
from modelwatch.comparisons.joint_reference import JointReference, JointStatistic
from modelwatch.comparisons.js import js_distance
from modelwatch.comparisons.kl import kl_divergence
from modelwatch.comparisons.ks import ks_p_value, ks_statistic
from modelwatch.comparisons.l_infinity import l_infinity
from modelwatch.comparisons.mmd import mmd_squared
from modelwatch.comparisons.psi import psi, psi_noise_floor
from modelwatch.comparisons.rare_events import rate_p_value
from modelwatch.comparisons.reconstruction import ReconstructionDrift, reconstruction_drift
from modelwatch.comparisons.total_variation import total_variation
from modelwatch.comparisons.value_effects import ValueEffects, fit_value_effects
from modelwatch.comparisons.wasserstein import wasserstein_distance

__all__ = [
    "ChiSquare",
    "CorrelationDrift",
    "DesignEffect",
    "GaussianKL",
    "JointEffect",
    "JointReference",
    "JointStatistic",
    "MeanShift",
    "ReconstructionDrift",
    "ValueEffects",
    "benjamini_hochberg",
    "cauchy_combination",
    "chi_square",
    "chi_square_p_value",
    "correlation_drift",
    "fit_design_effect",
    "fit_joint_effect",
    "fit_value_effects",
    "gaussian_kl",
    "hellinger_distance",
    "hotelling",
    "js_distance",
    "kl_divergence",
    "ks_p_value",
    "ks_statistic",
    "l_infinity",
    "mmd_squared",
    "psi",
    "psi_noise_floor",
    "rate_p_value",
    "reconstruction_drift",
    "total_variation",
    "wasserstein_distance",
    "weighted_bonferroni",
]
