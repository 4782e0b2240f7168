from __future__ import annotations

import signal
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.cli.receiving import receiving_options
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.wire import encode_metrics
from tests import plain_http
from tests.cli.conftest import Run
from tests.cli.test_alerts import collector_and_otlp
from tests.collector.conftest import NOW_NS, PROTOBUF, SECOND, eventually


def test_flags_and_environment_make_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that go before the file's come from flags, headers of what is sent on from outside."""
    monkeypatch.setenv("MODELWATCH_FORWARD_HEADERS", " tenant=a, Authorization = Bearer%20x=")
    limits = {"models": 3, "features": None}
    options = receiving_options(otlp_grpc_port=0, forward_endpoint="http://a:4318", limits=limits)
    assert options.limits == {"models": 3}
    assert options.forward is not None
    assert options.forward.headers == {"tenant": "a", "Authorization": "Bearer x="}


def test_nothing_is_sent_on_unasked() -> None:
    """Without flags nothing goes before the file, and nothing is sent on."""
    options = receiving_options(otlp_grpc_port=0, forward_endpoint=None, limits={})
    assert (options.forward, options.limits) == (None, {})


def test_headers_that_cannot_be_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, and what may be secret is not repeated."""
    monkeypatch.setenv("MODELWATCH_FORWARD_HEADERS", "sesame")
    with pytest.raises(ConfigurationError, match="MODELWATCH_FORWARD_HEADERS") as found:
        receiving_options(otlp_grpc_port=0, forward_endpoint="http://a:4318", limits={})
    assert "sesame" not in str(found.value)


def test_limits_are_read_anew(tmp_path: Path, run: Run) -> None:
    """SIGHUP brings new limits into force; a flag goes before them, and names keep their places."""
    config = tmp_path / "modelwatch.toml"
    config.write_text("[limits]\nmodels = 1\nversions = 1\nfeatures = 5\n")
    assert "limits: models 1, versions 1, features 5" in run("alerts", "check", config).out
    assert run("collector", "--check-config", config).status == 0

    with collector_and_otlp(tmp_path, "--max-models", "9") as (api, otlp, process):

        def refused(model: str, version: str) -> bool:
            profile = mw.Profile.empty(model, version, start_ns=NOW_NS - SECOND)
            profile.rows, profile.end_ns = 1, NOW_NS
            body = encode_metrics(profile, resource={})
            answer = plain_http.post(f"{otlp}/v1/metrics", content=body, headers=PROTOBUF)
            assert answer.status_code == 200
            return b"[limits]" in answer.content

        def reload(text: str, sign: str) -> None:
            config.write_text(text)
            process.send_signal(signal.SIGHUP)
            assert eventually(lambda: sign in plain_http.get(f"{api}/readyz").text, seconds=30)

        assert not refused("m", "1")
        assert not refused("n", "1")
        assert refused("m", "2")
        reload("[limits]\nversions = 'two'\n", "[limits].versions is 'two'")
        assert refused("m", "2")
        reload("[limits]\nversions = 2\n", "ready")
        assert eventually(lambda: not refused("m", "2"))
        reload("[limits]\nversions = 0\n", "[limits].versions is 0")
        reload("[limits]\nversions = 1\n", "ready\n")
        assert eventually(lambda: refused("m", "3"))
        assert not refused("m", "2")
    config.write_text("[limits]\nfeature = 5\n")
    found = run("collector", "--check-config", config)
    assert (found.status, "did you mean features?" in found.err) == (2, True)
