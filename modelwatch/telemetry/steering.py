"""What a collector tells a watch to do otherwise than the service's code says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from modelwatch import document
from modelwatch.errors import FormatError

__all__ = ["MOST_STEERING_BYTES", "FeatureLimits", "Steering"]

MOST_STEERING_BYTES: Final = 1_048_576
MOST_STEERED_FEATURES: Final = 1_000

_FIELDS: Final = ("enabled", "sample_rate", "max_rows_per_second", "outlier_limits")
_LIMITS: Final = ("lower", "upper")


@dataclass(frozen=True, kw_only=True)
class FeatureLimits:
    """The limits of one numeric feature; None where the baseline's holds.

    Attributes:
        lower: values below are outliers.
        upper: values above are outliers.
    """

    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, kw_only=True)
class Steering:
    """How one model version is to be captured. Immutable.

    Attributes:
        enabled: whether anything is captured at all.
        sample_rate: share of calls whose rows are captured, in [0, 1]; None for the code's.
        max_rows_per_second: rows captured a second, above 0; None for the code's.
        outlier_limits: limits by feature, in place of the baseline's.
    """

    enabled: bool = True
    sample_rate: float | None = None
    max_rows_per_second: float | None = None
    outlier_limits: Mapping[str, FeatureLimits] = field(default_factory=dict)

    @property
    def changes_nothing(self) -> bool:
        """Whether all is as the service's code says."""
        return self == Steering()

    @property
    def etag(self) -> str:
        """A strong HTTP entity tag: two documents that differ have different ones."""
        return f'"{hashlib.sha256(self.to_json().encode()).hexdigest()[:16]}"'

    def to_json(self) -> str:
        """Return the document, its fields in a fixed order."""
        body = {
            "enabled": self.enabled,
            "sample_rate": self.sample_rate,
            "max_rows_per_second": self.max_rows_per_second,
            "outlier_limits": {
                name: {"lower": limits.lower, "upper": limits.upper}
                for name, limits in sorted(self.outlier_limits.items())
            },
        }
        return json.dumps(body, allow_nan=False)

    @staticmethod
    def from_json(text: str | bytes) -> Steering:
        """Read a document.

        Args:
            text: a JSON object of these attributes; what is absent or null is as the service's
                code says.

        Raises:
            FormatError: where it is no such object, or one of its values cannot work.

        >>> Steering.from_json('{"sample_rate": 0.25}').sample_rate
        0.25
        """
        try:
            body = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"the steering document is not JSON: {error}.") from error
        try:
            return _steering(body)
        except FormatError as error:
            raise FormatError(f"the steering document is wrong: {error}.") from error


def _steering(body: Any) -> Steering:
    body = {**dict.fromkeys(_FIELDS), **_object(body, "it", _FIELDS)}
    rate = document.optional_number(body, "sample_rate", lowest=0.0)
    if rate is not None and rate > 1.0:
        document.refuse(body, "sample_rate", "a share in [0, 1]")
    rows = document.optional_number(body, "max_rows_per_second", lowest=0.0)
    if rows == 0.0:
        document.refuse(body, "max_rows_per_second", "above 0; to capture nothing, disable it")
    limits = document.optional_object(body, "outlier_limits") or {}
    if len(limits) > MOST_STEERED_FEATURES:
        raise FormatError(f"it has limits of more than {MOST_STEERED_FEATURES} features")
    return Steering(
        enabled=True if body["enabled"] is None else document.flag(body, "enabled"),
        sample_rate=rate,
        max_rows_per_second=rows,
        outlier_limits={name: _limits(name, found) for name, found in limits.items()},
    )


def _limits(name: str, body: Any) -> FeatureLimits:
    body = {**dict.fromkeys(_LIMITS), **_object(body, f"outlier_limits of {name!r}", _LIMITS)}
    lower, upper = (document.optional_number(body, field) for field in _LIMITS)
    if lower is not None and upper is not None and lower > upper:
        raise FormatError(f"the lower limit of {name!r} is {lower:g}, above the upper of {upper:g}")
    return FeatureLimits(lower=lower, upper=upper)


def _object(body: Any, where: str, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise FormatError(f"{where} is no object")
    unknown = sorted(body.keys() - set(known))
    if unknown:
        raise FormatError(f"{where} has {unknown[0]!r}, which is none of {', '.join(known)}")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
