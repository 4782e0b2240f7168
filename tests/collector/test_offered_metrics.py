"""Metrics that installed packages offer."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from modelwatch.collector.offered_metrics import GROUP, MetricFaults, offered_metrics

ROOT = Path(__file__).parents[2]

MODULE = '''
import numpy as np

NUMBER = 3

def cost(labels, predictions, scores):
    """What a missed fraud costs."""
    return np.where((labels == "fraud") & (predictions == "fine"), 250.0, 0.0)
'''

METADATA = "Metadata-Version: 2.1\nName: shop-metrics\nVersion: 1.0\n"

SCRIPT = """
import numpy as np
from modelwatch.collector.offered_metrics import offered_metrics

found = offered_metrics()
labels = np.array(["fraud", "fine"], dtype=object)
predictions = np.array(["fine", "fine"], dtype=object)
print(sorted(found.metrics), found.values(labels, predictions, None)["cost"].tolist())
"""


def install(folder: Path, points: str) -> None:
    """Lay out a package as an installer does."""
    (folder / "shop_metrics.py").write_text(MODULE, encoding="utf-8")
    info = folder / "shop_metrics-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA, encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}", encoding="utf-8")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Load the metrics in another process, in which the package is installed."""
    path = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )


def test_an_installed_packages_metric_is_found_and_computed(tmp_path: Path) -> None:
    """By its entry point, whose name is the metric's."""
    install(tmp_path, "cost = shop_metrics:cost\n")
    assert run(tmp_path).stdout.strip() == "['cost'] [250.0, 0.0]"


def test_what_cannot_be_loaded_is_left_out_and_told(tmp_path: Path) -> None:
    """The others are there all the same."""
    install(
        tmp_path,
        "cost = shop_metrics:cost\n"
        "absent = shop_metrics:absent\n"
        "number = shop_metrics:NUMBER\n"
        "lost = no_such_package:metric\n"
        "roc_auc = shop_metrics:cost\n"
        "pinball_0.5 = shop_metrics:cost\n",
    )
    done = run(tmp_path)
    assert done.stdout.strip() == "['cost'] [250.0, 0.0]"
    for words in (
        "'absent' (shop_metrics:absent) is left out: AttributeError",
        "'number' (shop_metrics:NUMBER) is left out: it is a int",
        "'lost' (no_such_package:metric) is left out: ModuleNotFoundError",
        "'roc_auc' (shop_metrics:cost) is left out: it has the name of a metric",
        "'pinball_0.5' (shop_metrics:cost) is left out: it has the name of a metric",
    ):
        assert words in done.stderr


def test_too_many_and_doubled_ones_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Twenty are computed, and of two packages' metrics of one name the first."""
    points = [EntryPoint(f"m{at:02}", "numpy:zeros_like", GROUP) for at in range(22)]
    points.append(EntryPoint("m00", "numpy:ones_like", GROUP))
    found = offered_metrics(points)
    assert list(found.metrics) == [f"m{at:02}" for at in range(20)]
    assert found.metrics["m00"] is np.ones_like
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split(":")[-1] for message in messages] == [
        " another package offers one of this name.",
        " 20 others come before it.",
        " 20 others come before it.",
    ]


def test_a_failing_metric_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Each for itself, however many labels come."""
    now = [0.0]
    faults = MetricFaults(clock=lambda: now[0])
    for seconds in (0.0, 1.0, 59.0, 60.0, 61.0):
        now[0] = seconds
        faults("cost", KeyError("amount"))
    faults("other", ValueError("no"))
    named = [record.getMessage().split("'")[1] for record in caplog.records]
    assert named == ["cost", "cost", "other"]
    assert "KeyError" in caplog.records[0].getMessage()
