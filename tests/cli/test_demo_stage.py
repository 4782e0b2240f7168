from __future__ import annotations

import socket
from pathlib import Path

import pytest

from modelwatch.cli import demo_stage
from modelwatch.cli.demo_stage import Ports, Stage, example_folder, require_extras
from modelwatch.cli.demo_story import STORY
from modelwatch.errors import ConfigurationError


def test_a_taken_port_is_named_with_its_option() -> None:
    """Who has something on a port of the demo learns which, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {taken} .* --api-port"):
            Ports(otlp_http=1, api=taken, app=2).require_free()


def test_ports_must_differ() -> None:
    """Two parts cannot listen on one port."""
    with pytest.raises(ConfigurationError, match="must differ"):
        Ports(otlp_http=4318, api=4318).require_free()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the demo's packages, it says which are absent and how to get them."""
    monkeypatch.setattr(demo_stage, "_NEEDED", ("json", "surely_not_installed"))
    with pytest.raises(ConfigurationError, match=r"surely_not_installed: .*modelwatch\[demo\]"):
        require_extras()


def test_the_example_is_found() -> None:
    """The folder holds all that the demo runs."""
    found = {path.name for path in example_folder().iterdir()}
    assert {"app.py", "data.py", "replay.py", "train.py"} <= found


def test_no_setting_for_another_collector_gets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo reports to its own collector, whatever the shell is set up for."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret")
    monkeypatch.setenv("MODELWATCH_ENABLED", "false")
    environment = Stage(tmp_path, tmp_path, Ports(otlp_http=14318)).environment()
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:14318"
    assert not {"OTEL_EXPORTER_OTLP_HEADERS", "MODELWATCH_ENABLED"} & environment.keys()


def test_all_phases_add_to_the_labels_that_are_pushed(tmp_path: Path) -> None:
    """Every replay writes to the one file that the collector of the demo is sent."""
    stage = Stage(tmp_path, tmp_path, Ports(api=14319))
    for chapter in STORY:
        command = stage.replay(chapter.phase, start_at=0.0)
        assert command[command.index("--labels") + 1] == str(stage.labels)
    push = stage.label_push()
    assert str(stage.labels) in push
    assert push[push.index("--collector") + 1] == "http://127.0.0.1:14319"


def test_each_phase_has_an_outcome_of_its_own(tmp_path: Path) -> None:
    """No phase reads the outcome of another."""
    stage = Stage(tmp_path, tmp_path, Ports())
    assert len({stage.outcome(chapter.phase) for chapter in STORY}) == len(STORY)
