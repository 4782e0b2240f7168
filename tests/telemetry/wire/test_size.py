"""How large an export is on the wire."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import pytest

from modelwatch.baseline import Baseline
from modelwatch.profile import Profile
from modelwatch.telemetry.wire import encode_logs, encode_metrics

FEATURES = 40
MOST_BYTES = 400

# As resource detection gives it to a service with a name.
RESOURCE = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
    "service.name": "churn",
    "service.instance.id": "5f0c1c8e-1111-4222-8333-944455556666",
}


def rows(seed: int, size: int) -> dict[str, Any]:
    """Return normal and log-normal features of different places and spreads."""
    random = np.random.default_rng(seed)
    half = FEATURES // 2
    normal = {f"feature_{n}": random.normal(3 * n, 1 + n, size) for n in range(half)}
    skewed = {
        f"feature_{half + n}": random.lognormal(0.1 * n, 0.5 + 0.05 * n, size) for n in range(half)
    }
    return normal | skewed


@pytest.fixture(scope="module")
def window() -> Profile:
    """One interval of a thousand rows."""
    baseline = Baseline.fit(rows(1, 20_000), model="churn", version="3")
    start_ns = 1_700_000_000_123_456_789
    profile = Profile.empty("churn", "3", baseline=baseline, start_ns=start_ns)
    profile.update(rows(2, 1_000))
    profile.record_calls(np.linspace(0.001, 0.4, 1_000).tolist())
    profile.end_ns = start_ns + 60_012_345_678
    return profile


def size(body: bytes) -> int:
    """Return how large a message is as it is sent."""
    return len(gzip.compress(body, 6))


def test_a_numeric_feature_takes_400_bytes(window: Profile) -> None:
    """All of an export's metrics: bounds, counts, attributes, sums, extremes, latency, resource."""
    assert min(feature.values.total for feature in window.features.values()) == 1_000
    body = encode_metrics(window, resource=RESOURCE)
    assert len(body) / FEATURES > 2_000
    assert size(body) / FEATURES <= MOST_BYTES


def test_moments_take_little_more(window: Profile) -> None:
    """Moments are two exact numbers a feature; co-moments less than a byte and a quarter a pair."""
    whole = size(encode_logs(window, resource=RESOURCE))
    window.joint, joint = None, window.joint
    alone = size(encode_logs(window, resource=RESOURCE))
    window.joint = joint
    assert alone / FEATURES <= 32
    assert (whole - alone) / (FEATURES * (FEATURES - 1) / 2) <= 1.25


def test_all_of_a_numeric_feature_takes_400_bytes(window: Profile) -> None:
    """Both messages of an export together: metrics, moments and co-moments."""
    messages = encode_metrics(window, resource=RESOURCE), encode_logs(window, resource=RESOURCE)
    assert sum(map(size, messages)) / FEATURES <= MOST_BYTES
