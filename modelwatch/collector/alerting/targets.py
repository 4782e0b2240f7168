"""Who is told of alerts: the ``[[notify]]`` tables. What is secret in them is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from modelwatch.collector.alerting.alert import Alert, AlertSeverity
from modelwatch.collector.alerting.rules import Duration, Flag, Name, Patterns, matches
from modelwatch.rollout.suggestion import SuggestionKind

__all__ = ["AlertmanagerTarget", "AppriseTarget", "Target", "WebhookTarget"]


class _Target(BaseModel):
    """What all targets have.

    Attributes:
        name: of the target, by which it is shown.
        url: where it is.
        url_env: environment variable that holds that instead, as an address is often a secret.
        rules: patterns of the rules that it hears of.
        models: patterns of the models that it hears of.
        min_severity: alerts below that are not sent.
        send_resolved: whether it is told that an alert was resolved.
        suggestions: which kinds of suggestions for its models it is told of, as a pipeline that
            retrains is: promote, roll_back, retrain.
        timeout_seconds: how long one try may take.
        give_up_after: how long a notice is tried again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    url: SecretStr | None = None
    url_env: str | None = None
    rules: Patterns = ("*",)
    models: Patterns = ("*",)
    min_severity: AlertSeverity = "warning"
    send_resolved: Flag = True
    suggestions: tuple[Literal["promote", "roll_back", "retrain"], ...] = ()
    timeout_seconds: Annotated[float, Field(strict=True, gt=0, le=60)] = 10.0
    give_up_after: Duration = 6 * 3_600

    @model_validator(mode="after")
    def _with_address(self, info: ValidationInfo) -> _Target:
        environment: Mapping[str, str] = info.context or {}
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give one of url and url_env")
        if self.url_env is not None:
            # Frozen for everyone else; what is read here was not known when it was made.
            object.__setattr__(self, "url", SecretStr(_variable(environment, self.url_env)))
        self._check_address(self.address)
        return self

    def _check_address(self, address: str) -> None:
        parts = _parts(address)
        if parts is None or parts[0] not in ("http", "https") or not parts[1]:
            raise ValueError("the address is no http:// or https:// URL: give one")

    @property
    def address(self) -> str:
        """Where it is. Often a secret: not to be shown."""
        return self.url.get_secret_value() if self.url else ""

    @property
    def place(self) -> str:
        """Where it is, as far as that may be shown: scheme and host."""
        parts = _parts(self.address)
        return f"{parts[0]}://{parts[1]}" if parts else ""

    def hears(self, alert: Alert) -> bool:
        """Return whether the target is told of an alert."""
        return (
            matches(alert.rule, self.rules)
            and matches(alert.model, self.models)
            and (alert.severity == "critical" or self.min_severity == "warning")
        )

    def hears_suggestion(self, kind: SuggestionKind, model: str) -> bool:
        """Return whether the target is told of a suggestion of a kind for a model."""
        return kind in self.suggestions and matches(model, self.models)


class _HttpTarget(_Target):
    """One that is asked over HTTP.

    Attributes:
        headers: sent with each request.
        headers_env: the same, with the names of environment variables that hold the values.
    """

    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    headers_env: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _with_headers(self, info: ValidationInfo) -> _HttpTarget:
        environment: Mapping[str, str] = info.context or {}
        read = {name: SecretStr(_variable(environment, v)) for name, v in self.headers_env.items()}
        object.__setattr__(self, "headers", {**self.headers, **read})
        for name, value in self.headers.items():
            if not (name + value.get_secret_value()).isascii() or not name.strip():
                raise ValueError(f"the header {name!r} is not plain ASCII")
        return self

    @property
    def header_values(self) -> dict[str, str]:
        """The headers. Often secrets: not to be shown."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


class WebhookTarget(_HttpTarget):
    """A URL that takes our JSON.

    Attributes:
        secret_env: environment variable that holds the key by which requests are signed.
    """

    kind: Literal["webhook"]
    secret_env: str | None = None
    _secret: SecretStr | None = None

    @model_validator(mode="after")
    def _with_secret(self, info: ValidationInfo) -> WebhookTarget:
        if self.secret_env is not None:
            self._secret = SecretStr(_variable(info.context or {}, self.secret_env))
        return self

    @property
    def secret(self) -> str | None:
        """The key by which requests are signed."""
        return self._secret.get_secret_value() if self._secret else None


class AlertmanagerTarget(_HttpTarget):
    """A Prometheus Alertmanager, by its API v2.

    Attributes:
        resend_interval: time between two times that it is told of an alert that stays open.
    """

    kind: Literal["alertmanager"]
    resend_interval: Duration = 60

    @field_validator("suggestions")
    @classmethod
    def _none(cls, suggestions: tuple[str, ...]) -> tuple[str, ...]:
        if suggestions:
            raise ValueError("an Alertmanager takes no suggestions: give them to a webhook")
        return suggestions


class AppriseTarget(_Target):
    """Any of the services that Apprise knows, by its URL."""

    kind: Literal["apprise"]

    def _check_address(self, address: str) -> None:
        if not urlsplit(address).scheme:
            raise ValueError("the address is no URL of Apprise: give one such as slack://...")

    @property
    def place(self) -> str:
        """The service alone: what follows may all be secret."""
        return f"{urlsplit(self.address).scheme}://"


Target = Annotated[WebhookTarget | AlertmanagerTarget | AppriseTarget, Field(discriminator="kind")]


def _parts(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    return parts.scheme, f"{parts.hostname or ''}{port}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ValueError(f"the environment variable {name} is not set: set it, or name another")
    return value
