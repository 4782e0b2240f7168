"""OTLP as the SDK of another language sends it; ``make test-node`` installs what it needs."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import LATEST_NS, TimeWindow
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, ExponentialHistogram, Histogram
from tests.collector.conftest import Running, Start

HERE = Path(__file__).parent


def emit(protocol: str, running: Running, temporality: str) -> None:
    """Run the emitter, which must end well."""
    node = shutil.which("node")
    assert node is not None, "these tests run Node 20 or later: install it."
    assert (HERE / "node_modules").is_dir(), "run these tests with `make test-node`."
    endpoint = running.grpc if protocol == "grpc" else running.otlp
    command = [node, "emit.mjs", protocol, endpoint, temporality]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.mark.parametrize("temporality", ["delta", "cumulative"])
@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf", "grpc"])
def test_counts_are_exact(start: Start, protocol: str, temporality: str) -> None:
    """Sums and histograms of a Node service arrive whole over each protocol."""
    running = start(receiving=ReceivingOptions(otlp_grpc_port=0), clock=time.time_ns)
    emit(protocol, running, temporality)
    told = running.received()
    assert (told["rejected"], told["refused"], told["duplicates"], told["begun"]) == (0, 0, 0, 0)
    profile = observed(running)
    assert profile.rows == 42
    ages, countries = (profile.features[name].values for name in ("age", "country"))
    assert isinstance(ages, Histogram)
    assert ages.counts.tolist() == [2, 20, 11, 9, 0]
    assert isinstance(countries, Categories)
    assert countries.counts == {"DE": 42}
    incomes = profile.features["income"].values
    assert isinstance(incomes, ExponentialHistogram)
    values = [(number + 0.5) ** count for count in (30, 12) for number in range(count)]
    expected = Counter(math.ceil(math.log2(v) * 2.0**incomes.scale) - 1 for v in values)
    found = zip(incomes.positive.indices.tolist(), incomes.positive.counts.tolist(), strict=True)
    assert dict(found) == expected


def observed(running: Running) -> Profile:
    """Return all that is stored of the model."""
    store = SqliteStore.open(running.store)
    try:
        found = store.window("node", "1", TimeWindow(0, LATEST_NS))
    finally:
        store.close()
    (profile,) = found.profiles.values()
    return profile
