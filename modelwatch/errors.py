"""Every error that modelwatch raises on purpose.

The tree::

    ModelwatchError
    +-- ConfigurationError (ValueError)      an argument, option or environment variable is wrong
    +-- DataError (ValueError)               data cannot be read, or lacks what is needed
    |   +-- SchemaError                      a column is absent, doubled or of an unusable type
    +-- FormatError (ValueError)             a document is damaged, or of another format version
    +-- ProfileMismatch (ValueError)         two summaries cannot be merged or compared
    +-- UndecodableTelemetry (ValueError)    bytes that are not the OTLP message they should be
    |   +-- BodyTooLarge                     a request's body is larger than the collector takes
    +-- StoreError (RuntimeError)            the collector's store cannot be opened, read or written
    |   +-- StoreBusy                        its write queue is full: wait, and send again
    +-- CollectorError (RuntimeError)        a collector could not be reached or refused a request
    +-- NotifyError (RuntimeError)           who is to hear of alerts was not reached, or refused
    +-- DemoFailed (RuntimeError)            the demo could not run to its end
    +-- OutlierRejected (ValueError)         ``on_outlier="raise"`` refused an input

A message names what is wrong, where, and the remedy. None of these but ``OutlierRejected``
ever reaches the caller of a watched function.
"""

from __future__ import annotations

__all__ = [
    "BodyTooLarge",
    "CollectorError",
    "ConfigurationError",
    "DataError",
    "DemoFailed",
    "FormatError",
    "ModelwatchError",
    "NotifyError",
    "OutlierRejected",
    "ProfileMismatch",
    "SchemaError",
    "StoreBusy",
    "StoreError",
    "UndecodableTelemetry",
]


class ModelwatchError(Exception):
    """Root of every error that modelwatch raises on purpose."""


class ConfigurationError(ModelwatchError, ValueError):
    """An argument, an option or an environment variable has a value that cannot work."""


class DataError(ModelwatchError, ValueError):
    """Data cannot be read, is empty, or lacks what the operation needs."""


class SchemaError(DataError):
    """A column is absent, named twice, or of a type that cannot be used."""


class FormatError(ModelwatchError, ValueError):
    """A file or document is damaged, or of a format version that this release cannot read."""


class ProfileMismatch(ModelwatchError, ValueError):
    """Two summaries describe different models, versions or bins and cannot be combined."""


class UndecodableTelemetry(ModelwatchError, ValueError):
    """Bytes received are not the OTLP message that they should be."""


class BodyTooLarge(UndecodableTelemetry):
    """A request's body, as sent or decompressed, is larger than the collector takes."""


class StoreError(ModelwatchError, RuntimeError):
    """The collector's store cannot be opened, read or written."""


class StoreBusy(StoreError):
    """The store's write queue is full: the sender must wait and send again."""


class CollectorError(ModelwatchError, RuntimeError):
    """A collector could not be reached, or it refused the request."""


class NotifyError(ModelwatchError, RuntimeError):
    """Who is to hear of an alert could not be reached, or refused what was sent.

    Attributes:
        is_final: whether the same will be refused each time it is sent.
        retry_seconds: how long to wait before the next try, where that was asked for.
    """

    def __init__(
        self, message: str, *, is_final: bool = False, retry_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.retry_seconds = retry_seconds


class DemoFailed(ModelwatchError, RuntimeError):
    """A process of the demo ended or did not get ready, so that it could not run to its end."""


class OutlierRejected(ModelwatchError, ValueError):
    """An input was refused because the watch was told ``on_outlier="raise"``.

    Attributes:
        outliers: feature name to the rule it broke (``range``, ``unseen_category``, ``missing``,
            ``type``).
    """

    def __init__(self, outliers: dict[str, str]) -> None:
        named = ", ".join(f"{name} ({rule})" for name, rule in sorted(outliers.items()))
        super().__init__(
            f"input refused as an outlier: {named}. Send values the model was trained on, "
            "or use on_outlier='tag' to let such inputs through."
        )
        self.outliers = outliers

    def __reduce__(self) -> tuple[type[OutlierRejected], tuple[dict[str, str]]]:
        return type(self), (self.outliers,)
