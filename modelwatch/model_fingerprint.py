"""By what a model and its environment are known again: a hash, and the versions of libraries."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, FormatError
from modelwatch.file_names import path_of
from modelwatch.parameter_checks import shown

__all__ = [
    "MODEL_HASH",
    "RUNTIME",
    "Fingerprint",
    "fingerprint",
    "mismatch_key",
    "parts_of_mismatch",
    "shown_version",
]

Source = Literal["file", "object", "none"]

MODEL_HASH: Final = "model.hash"
RUNTIME: Final = "python"
"""Parts of a fingerprint beside its libraries, which are named as they are."""

HASH_DIGITS: Final = 12
"""Of a model's hash, as it is sent and shown: enough to tell a few binaries apart."""

_READ_BYTES: Final = 1_048_576

_HASH: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """A model and its environment. Immutable; made by `fingerprint`.

    Attributes:
        source: what was hashed: a file's bytes, an object's state, or nothing.
        model_hash: SHA-256, 64 hexadecimal digits; empty where nothing was hashed.
        model_type: qualified name of the object's class; empty for a file.
        libraries: versions by the name of the library.
        runtime: version of Python.
    """

    source: Source = "none"
    model_hash: str = ""
    model_type: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    runtime: str = field(default_factory=platform.python_version)

    def mismatches(self, expected: Fingerprint) -> dict[str, tuple[str, str]]:
        """Return what differs, as expected and as it is, by part.

        Hashes are compared where both are of a file or both of an object, libraries where both
        name them, and of Python's version the first two numbers.

        >>> mine, trained = Fingerprint(libraries={"a": "2"}), Fingerprint(libraries={"a": "1"})
        >>> mine.mismatches(trained)
        {'a': ('1', '2')}
        """
        found: dict[str, tuple[str, str]] = {}
        if self.source == expected.source and self.model_hash != expected.model_hash:
            found[MODEL_HASH] = (expected.model_hash, self.model_hash)
        if _minor(self.runtime) != _minor(expected.runtime):
            found[RUNTIME] = (expected.runtime, self.runtime)
        for name, version in expected.libraries.items():
            if self.libraries.get(name, version) != version:
                found[name] = (version, self.libraries[name])
        return found

    def version_of(self, part: str) -> str:
        """Return the version of a part, or the first digits of the model's hash.

        Empty where it is not known.
        """
        known = {**self.libraries, RUNTIME: self.runtime, MODEL_HASH: self.model_hash}
        return shown_version(part, known.get(part, ""))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "source": self.source,
            "model_hash": self.model_hash,
            "model_type": self.model_type,
            "libraries": dict(sorted(self.libraries.items())),
            "runtime": self.runtime,
        }

    @classmethod
    def from_dict(cls, body: Body) -> Fingerprint:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or of a wrong type.
        """
        source = document.choice(body, "source", get_args(Source))
        model_hash = document.text(body, "model_hash")
        if bool(model_hash) != (source != "none") or (
            model_hash and not _HASH.fullmatch(model_hash)
        ):
            document.refuse(body, "model_hash", "64 hexadecimal digits, or empty without a source")
        libraries = document.object_of(body, "libraries")
        if not all(isinstance(version, str) for version in libraries.values()):
            raise FormatError("the versions of libraries are no texts")
        return cls(
            source=source,
            model_hash=model_hash,
            model_type=document.text(body, "model_type"),
            libraries=libraries,
            runtime=document.text(body, "runtime"),
        )


def fingerprint(model: object = None, *, libraries: Iterable[str] | None = None) -> Fingerprint:
    """Take the fingerprint of a model, to be kept in its baseline and sent by its watch.

    Args:
        model: the name of the model's file, best of all as one file is the same everywhere; or the
            model itself, whose state is hashed as pickle sees it; None for the libraries alone.
            The state of an object is the same after it was fitted again on the same data with the
            same seed, and after it was saved and loaded, where its library keeps to that: try it.
            It may differ between versions of the library, and where the model caches what it sees.
        libraries: names of the libraries that the model needs, as they are installed or imported;
            where None, for an object those of the classes that it is made of, for a file none.

    Raises:
        ConfigurationError: where the file cannot be read, the object cannot be pickled, or a
            library is not installed.

    >>> fingerprint([1.0, 2.0]).model_type
    'builtins.list'
    """
    source: Source = "none"
    model_hash, model_type = "", ""
    found: set[str] = set()
    if isinstance(model, (str, os.PathLike)):
        source, model_hash = "file", _hash_of_file(model)
    elif model is not None:
        kind = type(model)
        source, model_type = "object", f"{kind.__module__}.{kind.__qualname__}"
        model_hash, found = _hash_of_object(model)
    if libraries is None:
        versions = {name: _version(name) for name in sorted(found)}
    else:
        versions = {name: _known_version(name) for name in _names(libraries)}
    return Fingerprint(
        source=source,
        model_hash=model_hash,
        model_type=model_type,
        libraries={name: version for name, version in versions.items() if version is not None},
    )


def mismatch_key(part: str, actual: str) -> str:
    """Return under which name a mismatch is counted: what differs, and how it is.

    >>> mismatch_key("numpy", "2.1.0"), mismatch_key("numpy", "")
    ('numpy=2.1.0', 'numpy')
    """
    actual = shown_version(part, actual)
    return f"{part}={actual}" if actual else part


def parts_of_mismatch(key: str) -> tuple[str, str]:
    """Return what differs and how it is, empty where that was not told.

    >>> parts_of_mismatch("numpy=2.1.0"), parts_of_mismatch("numpy")
    (('numpy', '2.1.0'), ('numpy', ''))
    """
    part, _, actual = key.partition("=")
    return part, actual


def shown_version(part: str, version: str) -> str:
    """Return a version as it is, and of a hash the first digits."""
    return version[:HASH_DIGITS] if part == MODEL_HASH else version


def _hash_of_file(path: str | os.PathLike[str]) -> str:
    digest = hashlib.sha256()
    try:
        with path_of(path).open("rb") as file:
            while part := file.read(_READ_BYTES):
                digest.update(part)
    except OSError as error:
        raise ConfigurationError(
            f"the model's file {os.fspath(path)!r} cannot be read: {error.strerror}."
        ) from error
    return digest.hexdigest()


class _Digest:
    """Hashes what is written to it."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, part: bytes) -> int:
        self.sha256.update(part)
        return len(part)


class _StatePickler(pickle.Pickler):
    """Writes an object's state so that equal states give equal bytes, and notes its libraries.

    Without its memo, pickle writes the same whether two equal texts are one object or two, which
    saving and loading may change; sets are written in an order that no hash seed changes.
    """

    def __init__(self, digest: _Digest, *, fast: bool) -> None:
        super().__init__(digest, protocol=5)
        self.fast = fast
        self.modules: set[str] = set()

    def persistent_id(self, value: Any) -> Any:
        """Note of what module each object is, and stand in for sets."""
        kind = type(value)
        named = value if isinstance(value, type) or callable(value) else kind
        self.modules.add(str(getattr(named, "__module__", None) or kind.__module__))
        if kind in (set, frozenset):
            return kind.__name__, sorted(_hash_of_object(item)[0] for item in value)
        return None


def _hash_of_object(model: object) -> tuple[str, set[str]]:
    """Return the hash of an object's state, and the top-level packages of its classes."""
    for fast in (True, False):  # without a memo, an object that refers to itself has no end
        digest = _Digest()
        pickler = _StatePickler(digest, fast=fast)
        try:
            pickler.dump(model)
        except (ValueError, RecursionError):
            if fast:
                continue
            raise
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise _unpicklable(model, error) from error
        packages = {module.partition(".")[0] for module in pickler.modules}
        return digest.sha256.hexdigest(), packages - sys.stdlib_module_names - {"__main__"}
    raise _unpicklable(model, None)


def _unpicklable(model: object, error: Exception | None) -> ConfigurationError:
    reason = f" ({error})" if error else ""
    return ConfigurationError(
        f"{shown(model)} cannot be hashed, as it cannot be pickled{reason}: give the name of the "
        "model's file."
    )


def _names(libraries: Iterable[str]) -> list[str]:
    found = [] if isinstance(libraries, str) else list(libraries)
    if isinstance(libraries, str) or not all(isinstance(name, str) for name in found):
        raise ConfigurationError(f"libraries is {shown(libraries)}: give a list of names.")
    return found


def _known_version(name: str) -> str:
    version = _version(name)
    if version is None:
        raise ConfigurationError(
            f"libraries has {name!r}, which is not installed: give names as pip has them."
        )
    return version


def _version(name: str) -> str | None:
    # Takes longer to load than a watch, and who reads a fingerprint does not need it.
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        version = getattr(sys.modules.get(name), "__version__", None)
        return version if isinstance(version, str) else None


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
