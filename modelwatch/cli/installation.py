"""What is installed and what is set, with secrets masked."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from typing import Final

import modelwatch
from modelwatch import settings
from modelwatch.cli.masking import MASK, without_password

__all__ = ["can_instrument", "installed_versions", "instrumentors", "setting_values"]

_PACKAGES = (
    "altair",
    "bentoml",
    "fastapi",
    "flask",
    "grpcio",
    "httpx",
    "lightgbm",
    "narwhals",
    "numpy",
    "opentelemetry-api",
    "opentelemetry-instrumentation",
    "opentelemetry-proto",
    "opentelemetry-sdk",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "scikit-learn",
    "scipy",
    "starlette",
    "typer",
    "uvicorn",
    "vl-convert-python",
    "wrapt",
    "xgboost",
)

_INSTRUMENTED: Final = {
    "modelwatch_bentoml": ("bentoml",),
    "modelwatch_estimators": ("sklearn", "xgboost", "lightgbm"),
    "modelwatch_fastapi": ("fastapi",),
    "modelwatch_flask": ("flask",),
}
"""What each adapter instruments: any of the modules is enough."""


def installed_versions() -> dict[str, str | None]:
    """Return the versions of modelwatch, Python and the packages that modelwatch can use.

    Returns:
        Package name to version, None where it is not installed.
    """
    versions: dict[str, str | None] = {
        "modelwatch": modelwatch.__version__,
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def can_instrument() -> bool:
    """Tell whether there is an ``opentelemetry-instrument`` to find the instrumentors."""
    return installed_versions()["opentelemetry-instrumentation"] is not None


def instrumentors() -> dict[str, str]:
    """Return what ``opentelemetry-instrument`` can have watched, and what that needs.

    Returns:
        Adapter to what is missing; empty where it is ready.
    """
    found = {point.name for point in entry_points(group="opentelemetry_instrumentor")}
    tool = () if can_instrument() else ("opentelemetry-instrumentation",)
    return {
        name: ", ".join((*tool, *_missing(modules)))
        for name, modules in _INSTRUMENTED.items()
        if name in found
    }


def _missing(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules where none of them is installed."""
    return () if any(find_spec(module) for module in modules) else (" or ".join(modules),)


def setting_values(
    environment: Mapping[str, str] | None = None,
) -> dict[str, tuple[str, str]]:
    """Return what each environment variable of modelwatch is set to.

    Args:
        environment: what to look in; the process's environment where None.

    Returns:
        Name to (value, ``environment`` or ``default``); secret values and passwords are masked.
    """
    found = os.environ if environment is None else environment
    values = {}
    for name, setting in settings.SETTINGS.items():
        is_set = settings.is_set(name, found)
        source = "environment" if is_set else "default"
        value = settings.read(name, found) if is_set else setting.default
        masked = MASK if setting.secret and is_set else without_password(value)
        values[name] = (masked, source)
    return values
