"""What is asked of alerts to show how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["AlertSource", "NoAlerts", "OpenAlert"]


class OpenAlert(Protocol):
    """One alert that is pending or firing."""

    @property
    def model(self) -> str:
        """The model."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def rule(self) -> str:
        """Name of the rule that found it."""
        ...

    @property
    def state(self) -> str:
        """Such as pending or firing."""
        ...

    @property
    def severity(self) -> str:
        """Such as warning or critical."""
        ...


class AlertSource(Protocol):
    """Tells which alerts are open."""

    def open_alerts(self) -> Sequence[OpenAlert]:
        """Return all alerts that are pending or firing. Cheap; any thread."""
        ...


class NoAlerts:
    """Where nothing keeps alerts."""

    def open_alerts(self) -> Sequence[OpenAlert]:
        """Return none."""
        return ()
