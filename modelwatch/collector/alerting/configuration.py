"""The configuration file: rules, targets and maintenance, read from ``modelwatch.toml``.

All of it is checked before any of it is in force. What is wrong is named by its path in the file,
with its value and the remedy; values that may be secret are not repeated.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from modelwatch.collector.alerting.muting import Maintenance
from modelwatch.collector.alerting.rules import DEFAULT_RULES, Duration, Rule
from modelwatch.collector.alerting.targets import (
    AlertmanagerTarget,
    AppriseTarget,
    Target,
    WebhookTarget,
)
from modelwatch.collector.outcomes.horizon import (
    DEFAULT_HORIZON_SECONDS,
    SHORTEST_HORIZON_SECONDS,
)
from modelwatch.collector.receiving.limits import read_limits
from modelwatch.collector.rollouts.options import RolloutTable
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown

__all__ = [
    "AlertingTable",
    "Configuration",
    "LabelsTable",
    "changes_between",
    "parse",
    "read_configuration",
    "told_errors",
]

LARGEST_FILE_BYTES = 1_048_576
MOST_ERRORS = 20


class AlertingTable(BaseModel):
    """The table ``[alerting]``.

    Attributes:
        pages_url: address under which people reach the collector's pages, for links in notices;
            that on which it listens where None.
        keep: how long alerts are kept once they were resolved.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pages_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/\S*)?$")
    keep: Duration = 90 * 86_400


class LabelsTable(BaseModel):
    """The table ``[labels]``.

    Attributes:
        horizon: how long after a prediction its label is waited for, and may be corrected.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon: Annotated[Duration, Field(ge=SHORTEST_HORIZON_SECONDS)] = DEFAULT_HORIZON_SECONDS


class Configuration(BaseModel):
    """What a configuration file says.

    Attributes:
        rules: what is an alert.
        notify: who is told.
        maintenance: when nobody is.
        alerting: the rest.
        labels: how long predictions wait for their labels.
        limits: how many names of each kind are taken, where that is told; see `IngestLimits`.
        rollout: how versions are compared, and what is enough to suggest something.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...] = DEFAULT_RULES
    notify: tuple[Target, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    alerting: AlertingTable = AlertingTable()
    labels: LabelsTable = LabelsTable()
    limits: Mapping[str, Any] = Field(default_factory=dict)
    rollout: RolloutTable = RolloutTable()

    @field_validator("limits")
    @classmethod
    def _known(cls, limits: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            read_limits(limits, {})
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return limits

    @model_validator(mode="after")
    def _named_once(self) -> Configuration:
        for table, names in (
            ("rules", [rule.name for rule in self.rules]),
            ("notify", [target.name for target in self.notify]),
        ):
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                raise ValueError(
                    f"two of [[{table}]] are named {doubled[0]!r}: give each a name of its own"
                )
        return self


_TABLES: Mapping[str, type[BaseModel]] = {
    "rules": Rule,
    "maintenance": Maintenance,
    "alerting": AlertingTable,
    "labels": LabelsTable,
    "rollout": RolloutTable,
    "webhook": WebhookTarget,
    "alertmanager": AlertmanagerTarget,
    "apprise": AppriseTarget,
}

_SECRET = frozenset({"url", "headers", "notify"})


def read_configuration(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Read a configuration file.

    Args:
        path: the file.
        environment: variables that the file names.

    Raises:
        ConfigurationError: it cannot be read, or something in it is wrong; all of that is named.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}. Give the name of a file with --config."
        ) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{path} is larger than 1 MiB: it is no configuration file.")
    return parse(content, environment, source=str(path))


def parse(
    content: bytes, environment: Mapping[str, str], *, source: str = "modelwatch.toml"
) -> Configuration:
    """Read a configuration.

    Args:
        content: a document in TOML.
        environment: variables that it names.
        source: what messages call it.

    Raises:
        ConfigurationError: something in it is wrong; all of that is named.

    >>> parse(b'rules = [{name = "d", on = "drift", k = 4}]', {}).rules[0].m
    4
    """
    try:
        body = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{source} is no TOML document: {error}.") from None
    try:
        return Configuration.model_validate(body, context=environment)
    except ValidationError as error:
        told = told_errors(error, Configuration)
    # Raised outside, so that it is not chained to what holds all values, secret ones too.
    raise ConfigurationError(f"{source}: {told}")


def told_errors(error: ValidationError, document: type[BaseModel]) -> str:
    """Say all that is wrong with a document, each by its path, with its value and the remedy.

    Args:
        error: what was found.
        document: the model of the whole document.
    """
    told = [_told(found, document) for found in error.errors(include_url=False)]
    if len(told) > MOST_ERRORS:
        told = [*told[:MOST_ERRORS], f"{len(told) - MOST_ERRORS} more."]
    return " ".join(told)


def _told(error: Any, document: type[BaseModel]) -> str:
    location: tuple[str | int, ...] = error["loc"]
    path, table = _path(location, document)
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown; {_suggestion(str(location[-1]), table)}"
    if error["type"] == "json_invalid":
        return f"this is no JSON: {error['msg']}."
    if error["type"] == "missing":
        return f"{path}: missing; add it."
    if error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        return f"{path}.kind: give webhook, alertmanager or apprise."
    message = str(error["msg"]).removeprefix("Value error, ")
    if location == ("limits",) and error["type"] == "value_error":
        return message  # it names its path
    message = message.replace("Input should be", "give").replace("String should", "it should")
    message = f"{message[:1].lower()}{message[1:]}".rstrip(".")
    value = error["input"]
    if isinstance(value, (dict, list)) or any(part in _SECRET for part in location):
        return f"{path}: {message}." if path else f"{message}."
    return f"{path} is {shown(value)}: {message}."


def _path(location: Sequence[str | int], document: type[BaseModel]) -> tuple[str, type[BaseModel]]:
    """Return a place in the file as people write it, and the table that it is in.

    >>> _path(("rules", 0, "servity"), Configuration)[0]
    '[[rules]][1].servity'
    >>> _path(("notify", 1, "webhook", "url"), Configuration)[0]
    '[[notify]][2].url'
    """
    table = document
    parts: list[str] = []
    for place, part in enumerate(location):
        before = location[place - 1] if place else None
        if isinstance(part, int):
            parts[-1] = f"[[{before}]][{part + 1}]" if place == 1 else f"{parts[-1]}[{part + 1}]"
        elif not (isinstance(before, int) and location[0] == "notify" and place == 2):
            parts.append(part)
        if part in _TABLES and place in (0, 2):
            table = _TABLES[str(part)]
    if len(parts) > 1 and parts[0] in ("alerting", "labels", "rollout"):
        parts[0] = f"[{parts[0]}]"
    # The name of a branch of a union is no part of the file.
    return ".".join(part for part in parts if not part.startswith(("function-", "literal["))), table


def _suggestion(key: str, table: type[BaseModel]) -> str:
    known = list(table.model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are {', '.join(known)}."


def changes_between(before: Configuration, after: Configuration) -> list[str]:
    """Return what another configuration changes, in words, for the log."""
    changes = [
        *_changed("rule", before.rules, after.rules),
        *_changed("target", before.notify, after.notify),
    ]
    tables = ("maintenance", "alerting", "labels", "rollout")
    changed = [name for name in tables if getattr(before, name) != getattr(after, name)]
    old, new = (asdict(read_limits(one.limits, {})) for one in (before, after))
    limits = [f"limit of {name} {old[name]} -> {n}" for name, n in new.items() if old[name] != n]
    return [*changes, *(f"{name} changed" for name in changed), *limits]


def _changed(thing: str, before: Iterable[Any], after: Iterable[Any]) -> list[str]:
    old = {item.name: item for item in before}
    new = {item.name: item for item in after}
    return [
        *(f"{thing} {name!r} added" for name in new if name not in old),
        *(f"{thing} {name!r} removed" for name in old if name not in new),
        *(f"{thing} {n!r} changed" for n, item in new.items() if n in old and old[n] != item),
    ]
