"""What is an alert: the rules of the configuration, and those that hold without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from modelwatch.collector.alerting.alert import AlertSeverity
from modelwatch.collector.windows import parse_window
from modelwatch.errors import ConfigurationError
from modelwatch.model_fingerprint import MODEL_HASH
from modelwatch.persistence import MOST_WINDOWS, Persistence

__all__ = ["DEFAULT_RULES", "Duration", "Kind", "Name", "Patterns", "Rule", "matches"]

Kind = Literal[
    "drift",
    "warning",
    "joint",
    "performance",
    "concept_drift",
    "label_bias",
    "outliers",
    "errors",
    "latency",
    "no_data",
    "fingerprint",
    "insufficient_data",
    "instance",
    "skew",
]

CLEAR_WINDOWS: Final = 2
"""Windows in a row that must be calm before an alert is resolved, where its rule does not say (one,
where it looks at one window only): with fewer, a finding that comes in every other window would be
told anew each time."""

_WINDOWS: Final[Mapping[object, tuple[int, int]]] = {"fingerprint": (1, 1), "no_data": (3, 3)}
"""k and m of the kinds whose default is not 2 of 3."""

_SUBJECTS: Final = frozenset[Kind](
    {
        "drift",
        "warning",
        "joint",
        "performance",
        "concept_drift",
        "fingerprint",
        "instance",
        "skew",
    }
)
_COUNTED: Final = frozenset(get_args(Kind)) - {"no_data"}

_ONLY_FOR: Final[Mapping[str, frozenset[str]]] = {
    "features": _SUBJECTS,
    "min_severity": frozenset({"drift", "warning", "joint", "instance", "skew"}),
    "harmless": frozenset({"drift", "warning", "instance", "skew"}),
    "estimated": frozenset({"performance"}),
    "outlier_rate": frozenset({"outliers"}),
    "min_rows": frozenset({"outliers"}),
    "error_rate": frozenset({"errors"}),
    "min_calls": frozenset({"errors", "latency"}),
    "latency_seconds": frozenset({"latency"}),
    "quantile": frozenset({"latency"}),
    "min_windows": frozenset({"no_data"}),
    "even_if_replaced": frozenset({"no_data"}),
    "m": _COUNTED,
    "clear_k": _COUNTED,
    "clear_m": _COUNTED,
}
"""Options that have a meaning for some kinds only."""


_LENGTH: Final = "give a text of a whole number and s, m, h or d, such as 15m, 4h or 1d"


def _patterns(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(_LENGTH)
    try:
        return parse_window(value)
    except ConfigurationError:
        raise ValueError(_LENGTH) from None


def _seconds_or_never(value: object) -> object:
    return 0 if value == "never" else _seconds(value)


Patterns = Annotated[tuple[str, ...], BeforeValidator(_patterns), Field(min_length=1)]
"""One or several patterns, in which * stands for any text and ? for any character."""

Duration = Annotated[int, BeforeValidator(_seconds), Field(ge=1)]
"""Seconds, given as a text such as 15m, 4h or 1d."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,99}$")]

RepeatInterval = Annotated[int, BeforeValidator(_seconds_or_never), Field(ge=0)]
"""The same, or never, which is 0."""

Windows = Annotated[int, Field(strict=True, ge=1, le=MOST_WINDOWS)]
Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1)]


class Rule(BaseModel):
    """One rule: what is looked for, in which models, and in how many windows it must be found.

    Attributes:
        name: of the rule; a model version has at most one open alert by it.
        on: what is looked for.
        models: patterns of the models' names.
        k: windows in which it must be found.
        m: last windows that are looked at.
        clear_k: windows that must be calm for the alert to be resolved.
        clear_m: last windows that are looked at for that.
        severity: of the alerts, in place of what follows from what was found.
        min_severity: findings below that are passed over.
        features: patterns of the features, metrics, statistics or parts that are looked at.
        harmless: whether features that the model hardly reads count too.
        estimated: whether performance that is estimated without labels counts too.
        outlier_rate: share of rows with an outlier above which it is found.
        min_rows: rows below which a window is not judged.
        error_rate: share of calls that fail above which it is found.
        min_calls: calls below which a window is not judged.
        latency_seconds: latency above which it is found.
        quantile: of the latency.
        min_windows: windows in which a version must have sent before its silence is an alert.
        even_if_replaced: whether the silence of a version is an alert though a later version of
            its model sends.
        repeat_interval: time between two notices of an alert that stays open; 0 for never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    on: Kind
    models: Patterns = ("*",)
    k: Windows = 2
    m: Windows = 3
    clear_k: Windows = CLEAR_WINDOWS
    clear_m: Windows = CLEAR_WINDOWS
    severity: AlertSeverity | None = None
    min_severity: AlertSeverity = "warning"
    features: Patterns = ("*",)
    harmless: Flag = False
    estimated: Flag = False
    outlier_rate: Share = 0.05
    min_rows: Count = 20
    error_rate: Share = 0.05
    min_calls: Count = 20
    latency_seconds: Annotated[float, Field(strict=True, gt=0, le=30)] | None = None
    quantile: Share = 0.95
    min_windows: Windows = 3
    even_if_replaced: Flag = False
    repeat_interval: RepeatInterval = 14_400

    @model_validator(mode="before")
    @classmethod
    def _with_windows(cls, given: object) -> object:
        """Refuse what has no meaning, and fill in what was not given of k, m and the clearing."""
        if not isinstance(given, dict):
            return given
        on = given.get("on")
        for option, kinds in _ONLY_FOR.items():
            if option in given and on in get_args(Kind) and on not in kinds:
                raise ValueError(
                    f"{option} has no meaning for on = {on!r}, but for "
                    f"{', '.join(sorted(kinds))}: leave it out"
                )
        return {**_windows(given), **given}

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        for least, most in (("k", "m"), ("clear_k", "clear_m")):
            if getattr(self, least) > getattr(self, most):
                raise ValueError(
                    f"{least} is {getattr(self, least)} and {most} is {getattr(self, most)}: "
                    f"give {least} at most {most}"
                )
        if self.on == "latency" and self.latency_seconds is None:
            raise ValueError("on = 'latency' needs a limit: give latency_seconds, such as 0.25")
        return self

    @property
    def opens(self) -> Persistence:
        """In how many windows it must be found."""
        return Persistence(k=self.k, m=self.m)

    @property
    def clears(self) -> Persistence:
        """In how many windows it must not be found for the alert to be resolved."""
        return Persistence(k=self.clear_k, m=self.clear_m)

    def covers(self, model: str) -> bool:
        """Return whether the rule looks at a model."""
        return matches(model, self.models)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a name is that of one of the patterns.

    >>> matches("churn-eu", ["fraud", "churn-*"])
    True
    """
    return "*" in patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _windows(given: Mapping[str, object]) -> dict[str, object]:
    k, m = _WINDOWS.get(given.get("on"), (2, 3))
    asked_k, asked_m = given.get("k"), given.get("m")
    if isinstance(asked_k, int):
        m = asked_k if given.get("on") == "no_data" else max(m, asked_k)
    if isinstance(asked_m, int):
        k, m = min(k, asked_m), asked_m
    clear_m = given.get("clear_m", given.get("clear_k", min(CLEAR_WINDOWS, m)))
    return {"k": k, "m": m, "clear_k": clear_m, "clear_m": clear_m}


DEFAULT_RULES: Final = (
    Rule(name="drift", on="drift"),
    Rule(name="performance", on="performance"),
    Rule(name="concept drift", on="concept_drift"),
    Rule(name="errors", on="errors"),
    Rule(name="no data", on="no_data"),
    Rule(name="other model", on="fingerprint", features=(MODEL_HASH,), severity="critical"),
)
"""What holds without a configuration: what is wrong with hardly any model for long. Drift in 2 of
3 windows that the model reads; labels that prove it worse, or its errors risen; more than 5% of
calls failing; silence for 3 windows of a version that had sent in at least 3; and another binary
under the same version. Limits of latency and of outliers are each service's own, and so are not
among them."""
