"""Servers of other makers that tests run against, from Debian's packages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["debian_program"]

FOLDER = Path(__file__).parents[1] / ".servers"

WITH_ITS_FILES = 'mount --bind "$0" /usr/share && exec "$@"'
"""Runs a program of an unpacked package, which finds its files where an installed one has them; in
a mount namespace of its own, so that nobody else does."""


def debian_program(package: str, program: str) -> list[str]:
    """Return the words that run a program of a Debian package.

    Where it is not installed, the package is unpacked into a folder of the checkout.

    Args:
        package: name of the package.
        program: the program's path in it, such as usr/bin/prometheus-alertmanager.

    Raises:
        subprocess.CalledProcessError: the package cannot be had.
    """
    installed = shutil.which(Path(program).name)
    if installed:
        return [installed]
    target = FOLDER / package
    if not (target / program).is_file():
        _unpack(package, target)
    own = ["unshare", "--mount", "--map-root-user", "sh", "-c", WITH_ITS_FILES]
    return [*own, str(target / "usr/share"), str(target / program)]


def _unpack(package: str, target: Path) -> None:
    downloads = FOLDER / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", package]
    if subprocess.run(command, cwd=downloads, check=False, capture_output=True).returncode:
        subprocess.run(["apt-get", "update", "-qq"], check=True, capture_output=True)
        subprocess.run(command, cwd=downloads, check=True)
    (archive,) = downloads.glob(f"{package}_*.deb")
    subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
