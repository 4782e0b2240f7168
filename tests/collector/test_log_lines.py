from __future__ import annotations

import io
import json
import logging

import pytest

from modelwatch.collector.log_lines import logging_as
from modelwatch.errors import ConfigurationError


def test_json_lines_hold_the_fields() -> None:
    """A record is one line, whatever is in it, with the fields and the exception that it has."""
    stream = io.StringIO()
    logger = logging.getLogger("modelwatch.test")
    with logging_as("json", stream=stream):
        logger.info("%s\nb", "a", extra={"who": "x", "path": object})
        try:
            raise KeyError("k")
        except KeyError:
            logger.exception("failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["message"], first["level"], first["who"]) == ("a\nb", "info", "x")
    assert first["logger"] == "modelwatch.test"
    assert first["time"].endswith("Z")
    assert "KeyError" in second["exception"]


def test_text_lines_and_levels() -> None:
    """Our own lines are told from info up, those of libraries from warning up, none afterwards."""
    stream = io.StringIO()
    ours, theirs = logging.getLogger("modelwatch.test"), logging.getLogger("library.test")
    with logging_as("text", stream=stream):
        ours.info("ours")
        theirs.info("quiet")
        theirs.warning("loud")
    ours.warning("later")
    lines = stream.getvalue().splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["ours", "loud"]
    assert " INFO modelwatch.test: ours" in lines[0]


def test_other_forms_are_refused() -> None:
    """An unknown form is refused with those that there are."""
    with pytest.raises(ConfigurationError, match="json, text"), logging_as("xml"):
        pass
