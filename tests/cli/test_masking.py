from __future__ import annotations

import pytest

from modelwatch.cli.masking import MASK, without_password


def test_password_is_masked() -> None:
    """The password of an address is masked, and the rest of it stays."""
    assert without_password("http://me:pw@h:1/x?y=1") == f"http://me:{MASK}@h:1/x?y=1"


@pytest.mark.parametrize(
    "value", ["", "gzip", "http://host:1/x", "http://user@host", "http://[::1"]
)
def test_what_holds_no_password_stays(value: str) -> None:
    """A value without a password is shown as it is."""
    assert without_password(value) == value
