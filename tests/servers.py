"""Servers of other makers that tests run against, from Debian's packages."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
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
        RuntimeError: the package cannot be had.
    """
    installed = shutil.which(Path(program).name)
    if installed:
        return [installed]
    target = FOLDER / package
    if not target.is_dir():
        _unpack(package, target)
    own = ["unshare", "--mount", "--map-root-user", "sh", "-c", WITH_ITS_FILES]
    return [*own, str(target / "usr/share"), str(target / program)]


def _unpack(package: str, target: Path) -> None:
    """Unpack a package, of which nothing is seen before all of it is there."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        complaint = _download(package, folder)
        archives = list(Path(folder).glob("*.deb"))
        if not archives:
            raise RuntimeError(
                f"Debian's package {package} cannot be had: {complaint} Install {package}, or run "
                "these tests as root on a Debian that reaches its mirror."
            )
        unpacked = Path(folder) / "unpacked"
        subprocess.run(["dpkg", "-x", str(archives[0]), str(unpacked)], check=True)
        if not target.exists():
            unpacked.rename(target)


def _download(package: str, folder: str) -> str:
    """Download a package, with the lists of a fresh machine made first; return what went wrong."""
    download = ["apt-get", "--quiet", "download", package]
    complaints = []
    for command in (download, ["apt-get", "--quiet", "update"], download):
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        if command == download and not done.returncode:
            return ""
        complaints.append(f"{' '.join(command)}: {done.stderr.strip()}")
    return "\n".join(complaints)
