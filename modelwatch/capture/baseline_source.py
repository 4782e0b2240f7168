"""Where a watch has its baseline from: an object, a file, or a collector."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from modelwatch.baseline import Baseline
from modelwatch.capture.guard import Guard
from modelwatch.capture.polled import CollectorPoll, Polled, PolledUrl, is_url, version_url
from modelwatch.capture.steering import Steering, SteeringUrl
from modelwatch.errors import CollectorError, ConfigurationError, FormatError

if TYPE_CHECKING:
    import httpx

__all__ = ["BaselineSource", "BaselineUrl", "load_baseline"]

_MOST_BYTES: Final = 64 * 1024 * 1024


def load_baseline(
    source: str | os.PathLike[str] | Baseline, *, model: str, version: str
) -> Baseline:
    """Return the baseline of a model version.

    Args:
        source: the baseline or the file that holds it.
        model: the model that is watched.
        version: its version.

    Raises:
        FormatError: where the file is absent or damaged.
        ConfigurationError: where the source is neither, or is the baseline of something else.
    """
    if isinstance(source, Baseline):
        baseline = source
    elif isinstance(source, (str, os.PathLike)):
        baseline = Baseline.load(source)
    else:
        raise ConfigurationError(
            f"baseline is a {type(source).__name__}: give a Baseline, the name of its file, the "
            "URL of a collector, or None."
        )
    _check_identity(baseline, model, version)
    return baseline


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
            _check_identity(baseline, self._model, self._version)
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


class BaselineSource:
    """Hands a watch its baseline: at once, or each that its collector has, when it has it.

    The collector is asked for its steering of the watch too. Thread-safe.

    Args:
        source: a baseline, its file, the URL of a collector, or None.
        model: the model that is watched.
        version: its version.
        adopt: takes the baseline; called by `seek` or by the thread that asks.
        guard: logs that a collector gave none.
        collector: URL of the collector that steers; where None, the one that has the baseline.
        steer: takes the steering; nothing is asked for where None.

    Raises:
        FormatError: where the file is absent or damaged.
        ConfigurationError: where the source is of another type, or of another model version, or a
            URL names no host.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Baseline | None,
        *,
        model: str,
        version: str,
        adopt: Callable[[Baseline], None],
        guard: Guard,
        collector: str | None = None,
        steer: Callable[[Steering], None] | None = None,
    ) -> None:
        self._adopt = adopt
        self._found: Baseline | None = None
        documents: list[Polled] = []
        url = source if isinstance(source, str) and is_url(source) else None
        steered_by = collector if collector is not None else url
        if url is not None:
            documents.append(
                BaselineUrl(url, model=model, version=version, adopt=adopt, guard=guard)
            )
        elif source is not None:
            self._found = load_baseline(source, model=model, version=version)
        if steered_by is not None and steer is not None:
            documents.append(
                SteeringUrl(steered_by, model=model, version=version, steer=steer, guard=guard)
            )
        self._poll = CollectorPoll(documents, guard=guard) if documents else None

    def reset(self) -> None:
        """Forget the thread: what a forked child needs, as it has not inherited it."""
        if self._poll is not None:
            self._poll.reset()

    def seek(self, *, wait_seconds: float = 0.0) -> None:
        """Hand over the baseline where that was not done before; ask the collector what is new.

        Args:
            wait_seconds: how long to wait for the collector's answer, which is handed over when it
                comes in any case.
        """
        found, self._found = self._found, None
        if found is not None:
            self._adopt(found)
        if self._poll is not None:
            self._poll.start_round(wait_seconds=wait_seconds)


def _check_identity(baseline: Baseline, model: str, version: str) -> None:
    if (baseline.model, baseline.version) != (model, version):
        raise ConfigurationError(
            f"the baseline is of model {baseline.model!r} version {baseline.version!r}, but the "
            f"watch is of {model!r} version {version!r}: give the baseline of this version, or fit "
            "one."
        )
