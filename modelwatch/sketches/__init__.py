"""Mergeable summaries of columns: what a `Profile` is made of. No I/O, no clock, no randomness."""

from __future__ import annotations

from modelwatch.sketches.categories import Categories
from modelwatch.sketches.exponential import ExponentialHistogram
from modelwatch.sketches.histogram import Histogram
from modelwatch.sketches.joint_moments import JointMoments
from modelwatch.sketches.moments import Moments
from modelwatch.sketches.random_features import MeanEmbedding, RandomFeatures

__all__ = [
    "Categories",
    "ExponentialHistogram",
    "Histogram",
    "JointMoments",
    "MeanEmbedding",
    "Moments",
    "RandomFeatures",
]
