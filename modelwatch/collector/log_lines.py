"""The collector's log: lines for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Literal, TextIO, get_args

from modelwatch.errors import ConfigurationError

__all__ = ["LOG_FORMATS", "JsonLines", "LogFormat", "logging_as"]

LogFormat = Literal["json", "text"]
LOG_FORMATS: Final[tuple[LogFormat, ...]] = get_args(LogFormat)

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OWN: Final = frozenset({*logging.makeLogRecord({}).__dict__, "asctime", "message"})
"""What every record has; the rest was given as fields."""


class JsonLines(logging.Formatter):
    """Formats a record as one line: time, level, logger, message, and the fields given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, tz=UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = {name: value for name, value in vars(record).items() if name not in {*_OWN, *line}}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps({**line, **fields}, default=str)


@contextmanager
def logging_as(log_format: str, *, stream: TextIO | None = None) -> Iterator[None]:
    """Have all log lines of this process go to standard error in one form, meanwhile.

    What modelwatch does is told from the level info up, what libraries do from warning up.

    Args:
        log_format: one of `LOG_FORMATS`.
        stream: where the lines go, in place of standard error.

    Raises:
        ConfigurationError: the format is none of them.
    """
    if log_format not in LOG_FORMATS:
        raise ConfigurationError(
            f"--log-format is {log_format!r}: give one of {', '.join(LOG_FORMATS)}."
        )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(_TEXT))
    ours, level = logging.getLogger("modelwatch"), logging.getLogger("modelwatch").level
    logging.getLogger().addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(level)
        logging.getLogger().removeHandler(handler)
