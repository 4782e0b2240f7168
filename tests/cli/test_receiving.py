from __future__ import annotations

from pathlib import Path

import pytest

from modelwatch.cli.receiving import receiving_options
from modelwatch.errors import ConfigurationError


def test_flags_file_and_environment_make_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits come from the file and flags, headers of what is sent on from the environment."""
    config = tmp_path / "modelwatch.toml"
    config.write_text("[limits]\nmodels = 5\nsegments = 6\n")
    monkeypatch.setenv("MODELWATCH_FORWARD_HEADERS", "tenant=a")
    options = receiving_options(
        config, otlp_grpc_port=0, forward_endpoint="http://a:4318", limits={"models": 3}
    )
    assert (options.limits.models, options.limits.segments) == (3, 6)
    assert options.forward is not None
    assert options.forward.headers == {"tenant": "a"}


def test_nothing_is_sent_on_unasked() -> None:
    """Without a file and flags the limits are the defaults, and nothing is sent on."""
    options = receiving_options(None, otlp_grpc_port=0, forward_endpoint=None, limits={})
    assert options.forward is None
    assert options.limits.models == 1_000


def test_a_wrong_limit_is_refused(tmp_path: Path) -> None:
    """An unknown limit in the file is refused by its name."""
    config = tmp_path / "modelwatch.toml"
    config.write_text("[limits]\nmodel = 5\n")
    with pytest.raises(ConfigurationError, match=r"\[limits\]\.model: unknown"):
        receiving_options(config, otlp_grpc_port=0, forward_endpoint=None, limits={})
