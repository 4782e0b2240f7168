from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

import modelwatch as mw
from modelwatch.capture.guard import Guard
from modelwatch.capture.model_identity import ModelIdentity
from modelwatch.errors import ConfigurationError
from modelwatch.model_fingerprint import fingerprint
from tests.capture.test_baseline_source import wait_until
from tests.watched import FakeTransport, MakeWatch


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """The file of the model that the baseline was made for."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"trained")
    return path


@pytest.fixture
def made_for(model_file: Path) -> mw.Baseline:
    """A baseline that knows its model."""
    taken = fingerprint(model_file, libraries=["numpy"])
    return mw.Baseline.fit({"x": np.arange(200.0)}, model="m", version="1", fingerprint=taken)


def resource(transport: FakeTransport) -> dict[str, str]:
    """Return the resource's attributes of the last message."""
    body = next(body for signal, body in reversed(transport.sent) if signal == "metrics")
    request = ExportMetricsServiceRequest.FromString(body)
    return {
        pair.key: pair.value.string_value
        for pair in request.resource_metrics[0].resource.attributes
    }


def test_the_fingerprint_is_on_the_resource(
    make_watch: MakeWatch, made_for: mw.Baseline, caplog: pytest.LogCaptureFixture
) -> None:
    """Hash, class, libraries and Python; where all is as it should be, nothing is said."""
    watched = make_watch(baseline=made_for, fingerprint=made_for.fingerprint)
    watched.watch.log({"x": 5.0}, 0.5)
    assert watched.watch.flush(timeout_seconds=30)
    found = resource(watched.transport)
    assert made_for.fingerprint is not None
    assert found["modelwatch.model.hash"] == f"sha256:{made_for.fingerprint.model_hash}"
    assert found["modelwatch.library.numpy"] == np.__version__
    assert found["process.runtime.version"] == made_for.fingerprint.runtime
    (profile,) = watched.transport.profiles()
    assert not profile.mismatches
    assert "sha256" not in caplog.text


def test_another_model_file_is_told(
    make_watch: MakeWatch,
    made_for: mw.Baseline,
    model_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is hashed beside the predictions, logged once, and sent with each window."""
    model_file.write_bytes(b"another")
    watched = make_watch(baseline=made_for, fingerprint=str(model_file))
    wait_until(lambda: watched.watch._pipeline.identity.fingerprint is not None)
    for _ in range(2):
        watched.watch.log({"x": 5.0}, 0.5)
        assert watched.watch.flush(timeout_seconds=30)
    assert [profile.mismatches for profile in watched.transport.profiles()] == [
        {f"model.hash={sha256(b'another').hexdigest()[:12]}": 1}
    ] * 2
    told = [record for record in caplog.records if "is not the one" in record.message]
    assert len(told) == 1
    assert fingerprint(model_file).model_hash in told[0].message


def test_a_library_skew_is_told(
    make_watch: MakeWatch, model_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Both versions are named."""
    trained = mw.Fingerprint(libraries={"numpy": "1.0.0"})
    baseline = mw.Baseline.fit({"x": np.arange(200.0)}, model="m", version="1", fingerprint=trained)
    make_watch(baseline=baseline, fingerprint=fingerprint(libraries=["numpy"]))
    assert f"numpy is {np.__version__} where the model is served, and was 1.0.0" in caplog.text


@pytest.mark.parametrize("given", [3, "/absent/model.bin", np.zeros(3)])
def test_a_fingerprint_that_cannot_work_is_refused(make_watch: MakeWatch, given: Any) -> None:
    """A file that is not there is found when the service starts."""
    with pytest.raises(ConfigurationError, match="fingerprint"):
        make_watch(fingerprint=given)


def test_a_file_that_goes_away_fails_nothing(
    model_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without it there is no fingerprint, and that is logged."""
    identity = ModelIdentity(model_file, guard=Guard())
    model_file.unlink()
    identity.start()
    wait_until(lambda: "cannot be read" in caplog.text)
    assert "cannot be read" in caplog.text
    assert identity.fingerprint is None
