"""The collector's HTTP API as the commands ask it; every fault becomes a `CollectorError`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from modelwatch import settings
from modelwatch.cli.masking import without_password
from modelwatch.errors import CollectorError

if TYPE_CHECKING:
    import httpx

    from modelwatch.baseline import Baseline

__all__ = [
    "CollectorOption",
    "collector_url",
    "delete",
    "get_json",
    "get_text",
    "post_json",
    "put_baseline",
    "put_json",
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


def collector_url(given: str | None) -> str:
    """Return the address of the collector: the argument, the environment or the default."""
    return (given or settings.read("MODELWATCH_COLLECTOR_URL")).rstrip("/")


def version_path(model: str, version: str) -> str:
    """Return the path of one version of a model.

    >>> version_path("a/b", "3 beta")
    '/api/v1/models/a%2Fb/versions/3%20beta'
    """
    return f"/api/v1/models/{quote(model, safe='')}/versions/{quote(version, safe='')}"


def get_json(path: str, collector: str | None, *, parameters: dict[str, str] | None = None) -> Any:
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


def get_text(path: str, collector: str | None) -> str:
    """Ask the collector and return its answer as it is.

    Raises:
        CollectorError: where it cannot be reached, or refuses.
    """
    return _request("GET", path, collector).text


def put_baseline(baseline: Baseline, collector: str | None) -> str:
    """Give a baseline to the collector.

    Returns:
        The address that the baseline has now.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    path = f"{version_path(baseline.model, baseline.version)}/baseline"
    response = _request("PUT", path, collector, body=baseline.to_json())
    return without_password(str(response.url))


def put_json(path: str, collector: str | None, body: str) -> None:
    """Give a document to the collector.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    _request("PUT", path, collector, body=body)


def post_json(path: str, collector: str | None, body: object) -> Any:
    """Give a document to the collector and return what it answered.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    return _request("POST", path, collector, body=json.dumps(body)).json()


def delete(path: str, collector: str | None) -> None:
    """Take a document from the collector.

    Raises:
        CollectorError: where the collector cannot be reached or refuses.
    """
    _request("DELETE", path, collector)


def _request(
    method: str,
    path: str,
    collector: str | None,
    *,
    parameters: dict[str, str] | None = None,
    body: str | None = None,
) -> httpx.Response:
    import httpx

    base = collector_url(collector)
    shown = without_password(base)
    headers = {"accept": "application/json"}
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
        raise CollectorError(
            f"no collector answers at {shown} ({str(error) or type(error).__name__}): start one "
            "with 'modelwatch collector', or give its address with --collector."
        ) from error
    if not response.is_success:
        raise CollectorError(f"the collector at {shown} refused: {_reason(response)}")
    return response


def _reason(response: httpx.Response) -> str:
    """Return the detail of an RFC 9457 problem, or the status where the answer is none."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return f"{response.status_code} {response.reason_phrase}"
    return str(problem.get("detail") or problem.get("title") or response.status_code)
