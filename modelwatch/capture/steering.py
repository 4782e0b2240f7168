"""Steering of a watch by a collector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelwatch.capture.guard import Guard
from modelwatch.capture.polled import PolledUrl, version_url
from modelwatch.errors import FormatError
from modelwatch.telemetry.steering import MOST_STEERING_BYTES, Steering

if TYPE_CHECKING:
    import httpx

__all__ = ["SteeringUrl"]


class SteeringUrl:
    """The steering document of a model version that a collector keeps.

    Args:
        url: the collector's API, or the baseline's own address.
        model: the model that is watched.
        version: its version.
        steer: takes each document that is another than the one before; at first all is as the
            service's code says, and so it is again once the collector has none.
        guard: logs a document that cannot be used; the one before then stays.

    Raises:
        ConfigurationError: where the URL names no host.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        version: str,
        steer: Callable[[Steering], None],
        guard: Guard,
    ) -> None:
        address = version_url(url, model=model, version=version, argument="collector")
        self._document = PolledUrl(f"{address}/capture", most_bytes=MOST_STEERING_BYTES)
        self._steer = steer
        self._guard = guard
        self._current = Steering()

    def poll(self, client: httpx.Client) -> None:
        """Ask for the document, and hand it over where it is another.

        Raises:
            CollectorError: where the collector cannot be reached, or fails.
        """
        answer = self._document.fetch(client)
        if answer.status == "unchanged":
            return
        steering = Steering()
        if answer.status == "new":
            try:
                steering = Steering.from_json(answer.content)
            except FormatError as error:
                self._guard.notice("steering", f"captures as before: {error}")
                return
        if steering != self._current:
            self._steer(steering)
            self._current = steering

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self._document.reset()
