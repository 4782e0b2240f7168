from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwatch.cli.capture import parse_limit
from modelwatch.errors import ConfigurationError
from tests.cli.conftest import Run


def test_capture_is_set_shown_and_cleared(
    run: Run,
    running_collector: dict[str, str],
    baseline_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is set is shown, what is not named stays, and clear ends it all."""
    monkeypatch.setenv("MODELWATCH_COLLECTOR_URL", running_collector["pages"])
    absent = run("capture", "show", "churn", "3")
    assert absent.status == 2
    assert "churn" in absent.err
    run("baseline", "push", baseline_file)
    first = run("capture", "set", "churn", "3", "--sample-rate", "0.5", "--limit", "a=b=0:9")
    assert first.status == 0, first.err
    run("capture", "set", "churn", "3", "--disabled", "--max-rows-per-second", "20")
    expected = {
        "enabled": False,
        "sample_rate": 0.5,
        "max_rows_per_second": 20.0,
        "outlier_limits": {"a=b": {"lower": 0.0, "upper": 9.0}},
    }
    assert json.loads(run("capture", "show", "churn", "3").out) == expected
    assert run("capture", "clear", "churn", "3").status == 0
    assert json.loads(run("capture", "show", "churn", "3").out)["enabled"] is True


def test_what_the_collector_refuses_is_one_line(
    run: Run, running_collector: dict[str, str], baseline_file: Path
) -> None:
    """A share above 1 is named, with status 2."""
    url = running_collector["pages"]
    run("baseline", "push", baseline_file, "--collector", url)
    found = run("capture", "set", "churn", "3", "--sample-rate", "2", "--collector", url)
    assert found.status == 2
    assert "sample_rate" in found.err
    assert len(found.err.splitlines()) == 1


@pytest.mark.parametrize("text", ["age", "age=18", "=1:2", "age=a:b"])
def test_a_wrong_limit_is_refused(text: str) -> None:
    """The form is told."""
    with pytest.raises(ConfigurationError, match="LOWER:UPPER"):
        parse_limit(text)
