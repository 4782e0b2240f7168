"""The configuration that is in force, and what is wrong with its file."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.collector.alerting.configuration import Configuration, read_configuration
from modelwatch.collector.alerting.options import AlertingOptions

__all__ = ["Configured", "configured"]


@dataclass(frozen=True, kw_only=True)
class Configured:
    """The configuration in force.

    Attributes:
        configuration: what it says.
        read_ns: when it was read, Unix nanoseconds.
        error: why what the file says now is not in force; empty where it is.
    """

    configuration: Configuration
    read_ns: int
    error: str = ""


def configured(options: AlertingOptions, now_ns: int) -> Configured:
    """Return the configuration of a collector that starts.

    Raises:
        ConfigurationError: the file cannot be read, or something in it is wrong.
    """
    if options.config_path is None:
        return Configured(configuration=Configuration(), read_ns=now_ns)
    found = read_configuration(options.config_path, options.environment)
    return Configured(configuration=found, read_ns=now_ns)
