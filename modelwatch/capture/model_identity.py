"""Whether the model that is served is the one that the baseline was made for."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from modelwatch.capture.guard import Guard
from modelwatch.errors import ConfigurationError
from modelwatch.model_fingerprint import MODEL_HASH, Fingerprint, fingerprint, mismatch_key
from modelwatch.parameter_checks import shown

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["ModelIdentity"]

_logger = logging.getLogger("modelwatch")


class ModelIdentity:
    """The fingerprint of what a watch serves, compared with that of each baseline.

    A file is hashed in a daemon thread, which takes a second for each gigabyte or so: until then
    there is no fingerprint. Thread-safe.

    Args:
        given: a fingerprint, the name of the model's file, or None.
        guard: swallows what goes wrong while a file is hashed.

    Raises:
        ConfigurationError: where it is something else, or there is no such file.
    """

    def __init__(self, given: Fingerprint | str | os.PathLike[str] | None, *, guard: Guard) -> None:
        self._guard = guard
        self._path: str | os.PathLike[str] | None = None
        self.fingerprint: Fingerprint | None = None
        if isinstance(given, (str, os.PathLike)):
            if not os.path.isfile(given):
                raise ConfigurationError(
                    f"fingerprint is {shown(os.fspath(given))}: there is no such file."
                )
            self._path = given
        elif given is None or isinstance(given, Fingerprint):
            self.fingerprint = given
        else:
            raise ConfigurationError(
                f"fingerprint is {shown(given)}: give what modelwatch.fingerprint makes of the "
                "model, the name of its file, or None."
            )
        self.reset()

    def reset(self) -> None:
        """Forget the thread: what a forked child needs, as it has not inherited it."""
        self._lock = threading.Lock()  # guards the two below
        self._thread: threading.Thread | None = None
        self._compared: dict[str, tuple[str, ...]] = {}

    def start(self) -> None:
        """Begin to hash the file, where that was not done before."""
        with self._lock:
            if self._path is None or self.fingerprint is not None or self._thread is not None:
                return
            self._thread = threading.Thread(
                target=self._hash, args=(self._path,), name="modelwatch-hash", daemon=True
            )
            self._thread.start()

    def mismatches(self, baseline: Baseline | None) -> tuple[str, ...]:
        """Return what differs from a baseline's fingerprint, and say so loudly at first.

        Each is what `mismatch_key` makes of the part and of its version here.
        """
        mine = self.fingerprint
        if mine is None or baseline is None or baseline.fingerprint is None:
            return ()
        with self._lock:
            known = self._compared.get(baseline.id)
            if known is not None:
                return known
            found = mine.mismatches(baseline.fingerprint)
            told = tuple(mismatch_key(part, actual) for part, (_, actual) in found.items())
            self._compared = {baseline.id: told}
        for part, (expected, actual) in found.items():
            _logger.warning("modelwatch: %s", _words(part, expected, actual, baseline))
        return told

    def _hash(self, path: str | os.PathLike[str]) -> None:
        with self._guard:
            try:
                self.fingerprint = fingerprint(path)
            except ConfigurationError as error:
                self._guard.notice("fingerprint", str(error))


def _words(part: str, expected: str, actual: str, baseline: Baseline) -> str:
    of = f"{baseline.model} {baseline.version} (baseline {baseline.id})"
    if part == MODEL_HASH:
        return (
            f"the model that is served is not the one that the baseline of {of} was made for: its "
            f"sha256 is {actual or 'unknown'}, expected {expected or 'none'}. Was another file "
            "deployed?"
        )
    return (
        f"{part} is {actual} where the model is served, and was {expected} where the baseline of "
        f"{of} was made: predictions may differ."
    )
