"""The findings of an audit as JUnit XML, which the servers that run tests show and gate on."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as Xml

from modelwatch.report.wording import percent, plural
from modelwatch.skew.report import FeatureSkew, SkewReport
from modelwatch.skew.words import kind_name, pairing_notes, shown_value

__all__ = ["junit_xml"]

_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: SkewReport, fail_above: float = 0.0) -> str:
    """Return a test suite with one test a feature, and one a column that one side lacks.

    Args:
        report: the findings.
        fail_above: share of unequal rows that is let pass.
    """
    failing = set(report.failing(fail_above))
    alone = (*report.only_served, *report.only_recomputed)
    root = Xml.Element("testsuites")
    suite = _add(
        root,
        "testsuite",
        name="modelwatch skew",
        tests=str(len(report.features) + len(alone)),
        failures=str(len(failing)),
        errors="0",
    )
    properties = _add(suite, "properties")
    _add(properties, "property", name="rows", value=str(report.rows))
    for name, one in report.features.items():
        case = _add(suite, "testcase", classname="skew", name=name)
        if name in failing:
            _add(case, "failure", message=_message(one), type="skew").text = _details(one)
        elif one.unequal:
            _add(case, "system-out").text = _clean(_message(one))
    for name in alone:
        side = "served" if name in report.only_served else "recomputed"
        case = _add(suite, "testcase", classname="skew", name=name)
        _add(case, "failure", message=f"only in {side}", type="skew")
    _add(suite, "system-out").text = _clean("\n".join(pairing_notes(report)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _message(one: FeatureSkew) -> str:
    kinds = "; ".join(f"{kind_name(kind.name)}: {kind.sentence}" for kind in one.kinds)
    return f"{percent(one.share)} of {plural(one.rows, 'row')} unequal: {kinds}"


def _details(one: FeatureSkew) -> str:
    lines = (
        f"{shown_value(example.key)}: served {shown_value(example.served)}, "
        f"recomputed {shown_value(example.recomputed)}"
        for example in one.examples
    )
    return _clean("\n".join(lines))


def _add(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, tag, {name: _clean(text) for name, text in attributes.items()})


def _clean(text: str) -> str:
    """Replace the characters that XML 1.0 cannot hold."""
    return _NO_XML.sub("\ufffd", text)
