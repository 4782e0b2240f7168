"""How results are shown to other programs."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.errors import ConfigurationError

__all__ = ["ShowingOptions"]


@dataclass(frozen=True, kw_only=True)
class ShowingOptions:
    """What ``/metrics`` holds, and where results are sent.

    Attributes:
        results_endpoint: an OTLP receiver that is sent the results of each round of evaluations;
            nothing is sent where empty. Protocol, headers, certificates and time limits are those
            of the ``OTEL_EXPORTER_OTLP_*`` variables; their endpoints are left to the services.
        repeat_seconds: how often results are sent again that did not change, so that who stores
            them does not take them for gone.
        most_versions: model versions shown, the ones that sent last.
        most_features: features shown of each version, the worst first.
        most_error_types: types of errors told apart in each version, first come; the others are
            counted together.
        refresh_seconds: for how long the rows received are not looked up again.

    Raises:
        ConfigurationError: an option has a value that cannot work.
    """

    results_endpoint: str = ""
    repeat_seconds: float = 60.0
    most_versions: int = 500
    most_features: int = 200
    most_error_types: int = 20
    refresh_seconds: float = 5.0

    def __post_init__(self) -> None:
        _in_range("repeat_seconds", self.repeat_seconds, 0.05, 86_400)
        _in_range("most_versions", self.most_versions, 1, 100_000)
        _in_range("most_features", self.most_features, 1, 100_000)
        _in_range("most_error_types", self.most_error_types, 1, 1_000)
        _in_range("refresh_seconds", self.refresh_seconds, 0, 3_600)


def _in_range(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise ConfigurationError(f"{name} is {value}: give {lowest} to {highest}.")
