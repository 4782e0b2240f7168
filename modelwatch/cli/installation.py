"""What is installed and what is set, with secrets masked."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import modelwatch
from modelwatch import settings
from modelwatch.cli.masking import MASK, without_password

__all__ = ["installed_versions", "setting_values"]

_PACKAGES = (
    "altair",
    "fastapi",
    "grpcio",
    "httpx",
    "narwhals",
    "numpy",
    "opentelemetry-api",
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
)


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
