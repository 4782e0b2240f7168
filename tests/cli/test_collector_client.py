from __future__ import annotations

from pathlib import Path

import pytest

from modelwatch.baseline import Baseline
from modelwatch.cli.collector_client import collector_url, get_json
from modelwatch.errors import CollectorError
from tests import plain_http
from tests.cli.conftest import Run

CLOSED = "http://127.0.0.1:1"


def test_pushed_baseline_is_the_collectors(
    run: Run, baseline_file: Path, running_collector: dict[str, str]
) -> None:
    """After a push the collector serves that baseline, and status lists the model."""
    url = running_collector["pages"]
    before = run("status", "--collector", url)
    pushed = run("baseline", "push", baseline_file, "--collector", url)
    after = run("status", "--collector", url)
    assert (before.status, pushed.status, after.status) == (0, 0, 0), pushed.err
    assert before.out == f"The collector at {url} has received nothing yet.\n"
    baseline = Baseline.load(baseline_file)
    served = plain_http.get(f"{url}/api/v1/models/churn/versions/3/baseline", trust_env=False).text
    assert Baseline.from_json(served).id == baseline.id
    assert "churn" in after.out
    assert "not evaluated" in after.out


@pytest.mark.parametrize("words", [("status",), ("baseline", "push")])
def test_no_collector_is_said(run: Run, baseline_file: Path, words: tuple[str, ...]) -> None:
    """A collector that does not answer is one line with its address and the remedy, status 2."""
    files = [baseline_file] if words[-1] == "push" else []
    outcome = run(*words, *files, "--collector", CLOSED)
    assert outcome.status == 2
    assert CLOSED in outcome.err
    assert "modelwatch collector" in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("address", ["nonsense", "http://", "ftp://127.0.0.1", "http://[::1"])
def test_wrong_address_is_said(address: str) -> None:
    """An address that is none is a CollectorError, not a crash."""
    with pytest.raises(CollectorError, match="no collector answers"):
        get_json("/api/v1/models", address)


def test_refusal_carries_the_reason(running_collector: dict[str, str]) -> None:
    """What the collector says is wrong stands in the error."""
    with pytest.raises(CollectorError, match="there is no model 'nobody'"):
        get_json("/api/v1/models/nobody/versions/1/drift", running_collector["pages"])


def test_another_server_is_no_collector(running_collector: dict[str, str]) -> None:
    """An answer that is no JSON is told from a collector's."""
    with pytest.raises(CollectorError, match="is there a modelwatch collector"):
        get_json("/healthz", running_collector["pages"])


def test_address_is_argument_then_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument goes before the environment, and that before the default."""
    monkeypatch.setenv("MODELWATCH_COLLECTOR_URL", "http://elsewhere:1/")
    assert collector_url("http://here:2/") == "http://here:2"
    assert collector_url(None) == "http://elsewhere:1"
    monkeypatch.delenv("MODELWATCH_COLLECTOR_URL")
    assert collector_url(None) == "http://127.0.0.1:4319"
