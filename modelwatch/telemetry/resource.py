"""What is known of the process that sends: the OpenTelemetry resource, one for each process."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping

from opentelemetry.sdk.resources import Resource

from modelwatch.model_fingerprint import Fingerprint
from modelwatch.telemetry import names

__all__ = [
    "ResourceAttributes",
    "fingerprint_attributes",
    "process_resource",
    "resource_after_fork",
]

ResourceAttributes = Mapping[str, str | int | float | bool]

_PROCESS_ID = "process.pid"


def process_resource() -> dict[str, str | int | float | bool]:
    """Return the attributes of this process, as OpenTelemetry's environment variables give them.

    To be called early: resource detection fails while the interpreter shuts down.

    Returns:
        Single values as they are and lists as text, with a ``service.instance.id`` that no other
        process has: an id from the environment is shared by all workers, so it gets a suffix.
    """
    found = Resource.create().attributes
    attributes = {
        name: value if isinstance(value, (str, int, float, bool)) else str(value)
        for name, value in found.items()
    }
    attributes[names.SERVICE_INSTANCE_ID] = _unique_instance(_given_instance())
    return attributes


def resource_after_fork(parent: ResourceAttributes) -> dict[str, str | int | float | bool]:
    """Return the attributes of a forked child from those of its parent."""
    attributes = dict(parent)
    attributes[names.SERVICE_INSTANCE_ID] = _unique_instance(_given_instance())
    if _PROCESS_ID in attributes:
        attributes[_PROCESS_ID] = os.getpid()
    return attributes


def fingerprint_attributes(fingerprint: Fingerprint | None) -> dict[str, str]:
    """Return the attributes that tell which model the process serves, and on what."""
    if fingerprint is None:
        return {}
    attributes = {names.RUNTIME_VERSION: fingerprint.runtime}
    if fingerprint.model_hash:
        attributes[names.MODEL_HASH] = f"sha256:{fingerprint.model_hash}"
    if fingerprint.model_type:
        attributes[names.MODEL_TYPE] = fingerprint.model_type
    for name, version in fingerprint.libraries.items():
        attributes[f"{names.LIBRARY_PREFIX}{name}"] = version
    return attributes


def _given_instance() -> str:
    """Return the instance id that the environment gives, or an empty text."""
    pairs = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")
    given = dict(pair.strip().partition("=")[::2] for pair in pairs)
    return given.get(names.SERVICE_INSTANCE_ID, "").strip()


def _unique_instance(given: str) -> str:
    return f"{given}-{uuid.uuid4().hex[:8]}" if given else str(uuid.uuid4())
