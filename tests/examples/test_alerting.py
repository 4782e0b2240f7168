"""The example of a configuration of alerts."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from modelwatch.collector.alerting.configuration import Configuration, read_configuration
from modelwatch.collector.alerting.muting import Maintenance
from modelwatch.collector.alerting.rules import Kind
from modelwatch.collector.alerting.targets import AlertmanagerTarget, AppriseTarget, WebhookTarget

FOLDER = Path(__file__).parents[2] / "examples/alerting"
ENVIRONMENT = {
    "ONCALL_URL": "https://oncall.example.com/hook",
    "ONCALL_KEY": "key",
    "ONCALL_TOKEN": "Bearer token",
    "CHAT_URL": "slack://token",
}


def test_the_example_is_right() -> None:
    """It is read without complaint, and shows each kind of target and maintenance."""
    found = read_configuration(FOLDER / "modelwatch.toml", ENVIRONMENT)
    assert isinstance(found, Configuration)
    kinds = [type(target) for target in found.notify]
    assert kinds == [WebhookTarget, AlertmanagerTarget, AppriseTarget, WebhookTarget]
    assert found.rollout.metric == "f1"
    once, weekly = sorted(found.maintenance, key=lambda one: bool(one.days))
    assert isinstance(once, Maintenance)
    assert (once.days, weekly.start) == ((), None)


def test_its_guide_names_every_kind_of_rule() -> None:
    """What can be written is told."""
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    for kind in get_args(Kind):
        assert f"\n| {kind} |" in guide
