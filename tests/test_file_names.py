"""Names of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.file_names import path_of, path_to_write


@pytest.mark.parametrize("wrong", [3, None, b"a", "", "a\0", ["a"]], ids=repr)
def test_what_is_no_name_is_refused(wrong: Any) -> None:
    """To be read or written."""
    for read in (path_of, path_to_write):
        with pytest.raises(ConfigurationError, match="path is"):
            read(wrong)


def test_a_file_is_written_into_a_folder_that_is_there(tmp_path: Path) -> None:
    """And is no folder itself."""
    assert path_to_write(str(tmp_path / "a.json")) == tmp_path / "a.json"
    with pytest.raises(ConfigurationError, match=r"there is no folder .*Make it first"):
        path_to_write(tmp_path / "absent" / "a.json")
    with pytest.raises(ConfigurationError, match="a folder: give the name of a file"):
        path_to_write(tmp_path)
