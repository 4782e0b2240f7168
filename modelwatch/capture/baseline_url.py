"""Baselines that a collector keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from modelwatch.baseline import Baseline
from modelwatch.capture.baseline_file import check_identity
from modelwatch.capture.guard import Guard
from modelwatch.capture.polled import PolledUrl, version_url
from modelwatch.errors import CollectorError, ConfigurationError, FormatError

if TYPE_CHECKING:
    import httpx

__all__ = ["BaselineUrl"]

_MOST_BYTES: Final = 64 * 1024 * 1024


class BaselineUrl:
    """The baseline that a collector keeps.

    Args:
        url: the collector's API, as in ``http://collector:4319``, or the baseline's own address.
        model: the model that is watched.
        version: its version.
        adopt: takes each baseline that is another than the one before.
        guard: logs that there is none, or that it cannot be used; the one before then stays.

    Raises:
        ConfigurationError: where the URL names no host.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        version: str,
        adopt: Callable[[Baseline], None],
        guard: Guard,
    ) -> None:
        self.address = f"{version_url(url, model=model, version=version)}/baseline"
        self._document = PolledUrl(self.address, most_bytes=_MOST_BYTES)
        self._model = model
        self._version = version
        self._adopt = adopt
        self._guard = guard
        self._current_id: str | None = None

    def poll(self, client: httpx.Client) -> None:
        """Ask for the baseline, and hand it over where it is another.

        Raises:
            CollectorError: where the collector cannot be reached, or fails.
        """
        try:
            answer = self._document.fetch(client)
        except CollectorError as error:
            self._say(str(error))
            raise
        if answer.status == "absent":
            self._say(f"{self.address} has none. Send one with: modelwatch baseline push.")
        if answer.status != "new":
            return
        try:
            where = f"the answer of {self.address}"
            baseline = Baseline.from_json(answer.content, where=where)
            check_identity(baseline, self._model, self._version)
        except (FormatError, ConfigurationError) as error:
            self._say(str(error))
            return
        if baseline.id != self._current_id:
            self._adopt(baseline)
            self._current_id = baseline.id

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self._document.reset()

    def _say(self, reason: str) -> None:
        with_what = "without a baseline" if self._current_id is None else "with the baseline it has"
        self._guard.notice("baseline", f"captures {with_what} for now: {reason}")
