from __future__ import annotations

import pytest

from modelwatch.telemetry.resource import process_resource, resource_after_fork


def test_the_environment_describes_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Service name and resource attributes are OpenTelemetry's own variables."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "flights")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    resource = process_resource()
    assert resource["service.name"] == "flights"
    assert resource["deployment.environment.name"] == "test"


def test_no_two_processes_share_an_instance_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process, forked ones too, has an id of its own, even where the environment gives one."""
    ids = [process_resource()["service.instance.id"] for _ in range(2)]
    ids.append(resource_after_fork(process_resource())["service.instance.id"])
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-7")
    given = [process_resource()["service.instance.id"] for _ in range(2)]
    assert len({*ids, *given}) == 5
    assert all(str(found).startswith("pod-7-") for found in given)
