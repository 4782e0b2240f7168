"""Where a watch has its baseline from: an object, a file, or a collector."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

from modelwatch.baseline import Baseline
from modelwatch.capture.guard import Guard
from modelwatch.errors import CollectorError, ConfigurationError, FormatError

__all__ = ["BaselineSource", "BaselineUrl", "is_url", "load_baseline"]

_MOST_BYTES: Final = 64 * 1024 * 1024
_TIMEOUT_SECONDS: Final = 2.0


def is_url(source: object) -> bool:
    """Tell whether a baseline's source is the address of a collector."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


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
    """A baseline that a collector keeps.

    Args:
        url: the collector's API, as in ``http://collector:4319``, or the baseline's own address.
        model: the model that is watched.
        version: its version.

    Raises:
        ConfigurationError: where the URL names no host.
    """

    def __init__(self, url: str, *, model: str, version: str) -> None:
        if not urlsplit(url).netloc:
            raise ConfigurationError(
                f"baseline is {url!r}, which names no host: give the URL of a collector, as in "
                "'http://127.0.0.1:4319'."
            )
        path = f"/api/v1/models/{quote(model, safe='')}/versions/{quote(version, safe='')}/baseline"
        base = url.rstrip("/")
        self.address = base if base.endswith("/baseline") else base + path
        self._model = model
        self._version = version

    def fetch(self, *, timeout_seconds: float) -> Baseline:
        """Return the baseline.

        Args:
            timeout_seconds: for connecting, and for each read.

        Raises:
            CollectorError: where the collector cannot be reached or has no such baseline.
            FormatError: where its answer is no baseline.
            ConfigurationError: where it is the baseline of something else.
        """
        try:
            response = httpx.get(self.address, timeout=timeout_seconds, follow_redirects=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise CollectorError(
                f"no baseline from {self.address}: {str(error) or type(error).__name__}."
            ) from error
        if response.status_code != httpx.codes.OK:
            raise CollectorError(
                f"no baseline from {self.address}: it answered {response.status_code}. "
                "Send one with: modelwatch baseline push."
            )
        if len(response.content) > _MOST_BYTES:
            raise FormatError(f"the answer of {self.address} is too long for a baseline.")
        baseline = Baseline.from_json(response.content, where=f"the answer of {self.address}")
        _check_identity(baseline, self._model, self._version)
        return baseline


class BaselineSource:
    """Hands a watch its baseline once: at once, or when its collector can be reached.

    A collector is asked in a daemon thread of its own, one at a time, so that one that hangs holds
    up nobody. Thread-safe.

    Args:
        source: a baseline, its file, the URL of a collector, or None.
        model: the model that is watched.
        version: its version.
        adopt: takes the baseline; called by `seek` or by its thread.
        guard: logs that a collector gave none.

    Raises:
        FormatError: where the file is absent or damaged.
        ConfigurationError: where the source is of another type, or of another model version.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Baseline | None,
        *,
        model: str,
        version: str,
        adopt: Callable[[Baseline], None],
        guard: Guard,
    ) -> None:
        self._adopt = adopt
        self._guard = guard
        self._url: BaselineUrl | None = None
        self._found: Baseline | None = None
        if isinstance(source, str) and is_url(source):
            self._url = BaselineUrl(source, model=model, version=version)
        elif source is not None:
            self._found = load_baseline(source, model=model, version=version)
        self.reset()

    def reset(self) -> None:
        """Forget the thread: what a forked child needs, as it has not inherited it."""
        self._lock = threading.Lock()  # guards the two below
        self._thread: threading.Thread | None = None
        self._is_asking = False

    def seek(self, *, wait_seconds: float = 0.0) -> None:
        """Hand over the baseline where that was not done before; ask the collector for it.

        Args:
            wait_seconds: how long to wait for the collector's answer, which is handed over when it
                comes in any case.
        """
        found, self._found = self._found, None
        if found is not None:
            self._adopt(found)
        if self._url is None:
            return
        with self._lock:
            if not self._is_asking:
                self._thread = threading.Thread(
                    target=self._ask, args=(self._url,), name="modelwatch-baseline", daemon=True
                )
                self._thread.start()
                self._is_asking = True
            thread = self._thread
        if thread is not None and wait_seconds > 0:
            thread.join(wait_seconds)

    def _ask(self, url: BaselineUrl) -> None:
        with self._guard:
            try:
                self._adopt(url.fetch(timeout_seconds=_TIMEOUT_SECONDS))
                self._url = None
            except (CollectorError, FormatError, ConfigurationError) as error:
                self._guard.notice("baseline", f"captures without a baseline for now: {error}")
        with self._lock:
            self._is_asking = False


def _check_identity(baseline: Baseline, model: str, version: str) -> None:
    if (baseline.model, baseline.version) != (model, version):
        raise ConfigurationError(
            f"the baseline is of model {baseline.model!r} version {baseline.version!r}, but the "
            f"watch is of {model!r} version {version!r}: give the baseline of this version, or fit "
            "one."
        )
