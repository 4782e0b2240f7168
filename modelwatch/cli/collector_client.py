"""The collector's HTTP API as the commands ask it; every fault becomes a `CollectorError`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from modelwatch import settings
from modelwatch.cli.masking import without_password
from modelwatch.errors import CollectorError, ConfigurationError

if TYPE_CHECKING:
    import httpx

    from modelwatch.baseline import Baseline

__all__ = [
    "Collector",
    "CollectorOption",
    "Remote",
    "TokenFileOption",
    "authorization",
    "collector_url",
    "delete",
    "get_json",
    "get_pages",
    "get_text",
    "no_answer",
    "post_json",
    "put_baseline",
    "put_json",
    "refusal",
    "version_path",
]

TIMEOUT_SECONDS = 30.0

CollectorOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Address of the collector's API; else MODELWATCH_COLLECTOR_URL, "
        "else http://127.0.0.1:4319.",
    ),
]


TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File with the token for the collector; else MODELWATCH_TOKEN."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A collector, and what opens it.

    Attributes:
        url: the address of its API; that of the environment where None.
        token_file: file with a token; that of the environment where None.
    """

    url: str | None = None
    token_file: Path | None = None

    def token(self) -> str:
        """Return the token; empty where there is none.

        Raises:
            ConfigurationError: the file cannot be read, or holds none.
        """
        if self.token_file is None:
            return settings.read("MODELWATCH_TOKEN")
        try:
            text = self.token_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds no plain text"
            raise ConfigurationError(
                f"--token-file {self.token_file} cannot be read: {reason}."
            ) from None
        if not text or len(text.split()) != 1:
            raise ConfigurationError(f"--token-file {self.token_file} is to hold one token alone.")
        return text


Collector = str | Remote | None


def collector_url(given: Collector) -> str:
    """Return the address of the collector: the argument, the environment or the default."""
    if isinstance(given, Remote):
        given = given.url
    return (given or settings.read("MODELWATCH_COLLECTOR_URL")).rstrip("/")


def version_path(model: str, version: str) -> str:
    """Return the path of one version of a model.

    >>> version_path("a/b", "3 beta")
    '/api/v1/models/a%2Fb/versions/3%20beta'
    """
    return f"/api/v1/models/{quote(model, safe='')}/versions/{quote(version, safe='')}"


def get_json(path: str, collector: Collector, *, parameters: dict[str, str] | None = None) -> Any:
    """Ask the collector and return what it answered.

    Raises:
        CollectorError: where it cannot be reached, refuses, or answers with no JSON.
    """
    response = _request("GET", path, collector, parameters=parameters)
    try:
        return response.json()
    except ValueError as error:
        raise CollectorError(
            f"{without_password(str(response.url))} answered with no JSON: "
            "is there a modelwatch collector?"
        ) from error


def get_pages(path: str, name: str, collector: Collector) -> Iterator[Any]:
    """Ask the collector for a list, page after page, and return its items one by one.

    Args:
        path: of the list.
        name: the member of the answer that holds the items.
        collector: whom to ask.

    Raises:
        CollectorError: as of `get_json`.
    """
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"cursor": cursor} if cursor else None
        page = get_json(path, collector, parameters=parameters)
        yield from page[name]
        cursor = page.get("next_cursor")


def get_text(path: str, collector: Collector) -> str:
    """Ask the collector and return its answer as it is.

    Raises:
        CollectorError: where it cannot be reached, or refuses.
    """
    return _request("GET", path, collector).text


def put_baseline(baseline: Baseline, collector: Collector) -> str:
    """Give a baseline to the collector.

    Returns:
        The address that the baseline has now.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    path = f"{version_path(baseline.model, baseline.version)}/baseline"
    response = _request("PUT", path, collector, body=baseline.to_json())
    return without_password(str(response.url))


def put_json(path: str, collector: Collector, body: str) -> None:
    """Give a document to the collector.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    _request("PUT", path, collector, body=body)


def post_json(path: str, collector: Collector, body: object) -> Any:
    """Give a document to the collector and return what it answered.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    return _request("POST", path, collector, body=json.dumps(body)).json()


def delete(path: str, collector: Collector) -> None:
    """Take a document from the collector.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    _request("DELETE", path, collector)


def _request(
    method: str,
    path: str,
    collector: Collector,
    *,
    parameters: dict[str, str] | None = None,
    body: str | None = None,
) -> httpx.Response:
    import httpx

    base = collector_url(collector)
    headers = {"accept": "application/json", **authorization(collector)}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        response = httpx.request(
            method,
            base + path,
            params=parameters,
            content=body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise no_answer(base, error) from error
    if not response.is_success:
        raise refusal(base, response)
    return response


def no_answer(url: str, error: Exception) -> CollectorError:
    """Return the error of a collector that cannot be reached."""
    return CollectorError(
        f"no collector answers at {without_password(url)} ({str(error) or type(error).__name__}): "
        "start one with 'modelwatch collector', or give its address with --collector."
    )


def refusal(url: str, response: httpx.Response) -> CollectorError:
    """Return the error of a collector that answered with one."""
    return CollectorError(f"the collector at {without_password(url)} refused: {_reason(response)}")


def authorization(collector: Collector) -> dict[str, str]:
    """Return the header that opens a collector; none where there is no token.

    Raises:
        ConfigurationError: the token cannot be read, or is none.
    """
    remote = collector if isinstance(collector, Remote) else Remote()
    token = remote.token()
    if not token:
        return {}
    if not (token.isascii() and token.isprintable()):
        raise ConfigurationError("MODELWATCH_TOKEN holds what no token holds: copy it again.")
    return {"authorization": f"Bearer {token}"}


def _reason(response: httpx.Response) -> str:
    """Return the detail of an RFC 9457 problem, or the status where the answer is none."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return f"{response.status_code} {response.reason_phrase}"
    return str(problem.get("detail") or problem.get("title") or response.status_code)
