from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelwatch.cli.collector import persistence_of, seconds_of
from modelwatch.errors import ConfigurationError
from modelwatch.persistence import Persistence
from tests import plain_http
from tests.cli.conftest import Run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_collector_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """The command says where it listens, answers there, and stops in order with status 0."""
    command = [
        sys.executable, "-c", "from modelwatch.cli import main; main()", "collector",
        "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0",
        "--store", str(tmp_path / "store.sqlite"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"pages (http://127\.0\.0\.1:\d+)", line)
        assert found, line
        answer = plain_http.get(f"{found[1]}/api/v1/models", trust_env=False)
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
    assert json.loads(answer.text) == {"models": [], "next_cursor": None}
    assert (tmp_path / "store.sqlite").exists()


def test_public_host_needs_a_token(run: Run, tmp_path: Path) -> None:
    """An address that others can reach is refused, and both remedies named."""
    outcome = run("collector", "--host", "0.0.0.0", "--store", tmp_path / "store.sqlite")
    assert outcome.status == 2
    assert "modelwatch token create" in outcome.err
    assert "--insecure" in outcome.err
    assert not (tmp_path / "store.sqlite").exists()


def test_wrong_options_start_nothing(run: Run, tmp_path: Path) -> None:
    """Half of a TLS pair, a host with a port and an unknown form of lines are refused by name."""
    store = tmp_path / "store.sqlite"
    for option, value in (
        ("--tls-certificate", "c.pem"),
        ("--allowed-host", "https://watch"),
        ("--log-format", "xml"),
        ("--trace-url", "javascript:{trace_id}"),
    ):
        outcome = run("collector", "--store", store, option, value)
        assert outcome.status == 2
        assert option in outcome.err
        assert not store.exists()


def test_log_lines_are_json_where_asked_for(tmp_path: Path) -> None:
    """With --log-format json each line on stderr is an object with time, level and message."""
    command = [
        sys.executable, "-c", "from modelwatch.cli import main; main()", "collector",
        "--otlp-http-port", "0", "--api-port", "0", "--store", str(tmp_path / "store.sqlite"),
        "--log-format", "json",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [json.loads(text) for text in err.splitlines()]
    assert line.strip() in [told["message"] for told in lines]
    assert all({"time", "level", "logger", "message"} <= told.keys() for told in lines)


def test_wrong_length_names_the_option() -> None:
    """A window that cannot be read is refused with the option's name."""
    with pytest.raises(ConfigurationError, match=r"--window: .*'soon'"):
        seconds_of("--window", "soon")


def test_persistence_is_read() -> None:
    """Two numbers say in how many of how many windows a finding must hold."""
    assert persistence_of("2/3") == Persistence(k=2, m=3)
    assert persistence_of(" 1/1 ") == Persistence(k=1, m=1)


@pytest.mark.parametrize("text", ["", "2", "2 of 3", "-1/3", "3/2", "0/3", "1/999", "2/3/4"])
def test_wrong_persistence_names_the_option(text: str) -> None:
    """What is no such pair is refused with the option's name and what to give."""
    with pytest.raises(ConfigurationError, match=r"--persistence.*give"):
        persistence_of(text)
