"""The dashboards of the example, as far as they can be judged without Grafana.

What their queries answer is tested with Prometheus in tests/collector/showing/prometheus.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.grafana_dashboards import DASHBOARDS, FOLDER, asked_by, panels_of

COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
KINDS = {"row", "stat", "state-timeline", "table", "timeseries"}
OF_PROMETHEUS = {"step", "titleFormat", "useValueForTime"}
"""What the data source adds to an annotation, beyond the types that are published."""
OF_GRAFANA = {"__data", "__rate_interval", "__url_time_range"}

each_dashboard = pytest.mark.parametrize("name", DASHBOARDS)


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield the places of one document that another lacks, or has another value at."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in OF_PROMETHEUS and "annotations" in path:
                continue
            yield from lost(value, theirs.get(key, f"no {key}"), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(*pair, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: {ours!r} became {theirs!r}"


def cells(panel: Mapping[str, Any]) -> set[tuple[int, int]]:
    """Return the cells of the grid that a panel covers."""
    at = panel["gridPos"]
    return set(
        itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
    )


def test_there_are_dashboards() -> None:
    """Their files are named after the ids by which they link to each other."""
    assert DASHBOARDS.keys() == {"modelwatch-collector", "modelwatch-model", "modelwatch-overview"}
    assert all(name == dashboard["uid"] for name, dashboard in DASHBOARDS.items())


@each_dashboard
def test_grafana_knows_every_field(name: str) -> None:
    """Read into the types that Grafana publishes and written again, nothing is lost or changed."""
    register_default_plugins()
    text = json.dumps(Dashboard.from_json(dict(DASHBOARDS[name])).to_json(), cls=JSONEncoder)
    assert list(lost(DASHBOARDS[name], json.loads(text))) == []


@each_dashboard
def test_panels_fill_the_grid_without_overlap(name: str) -> None:
    """Panels lie side by side within 24 columns, rows across all of them, and no line is ragged."""
    panels = DASHBOARDS[name]["panels"]
    covered: set[tuple[int, int]] = set()
    for panel in panels:
        mine = cells(panel)
        assert not covered & mine, panel["title"]
        covered |= mine
    assert {x for x, _ in covered} == set(range(COLUMNS))
    height = max(y for _, y in covered) + 1
    assert len(covered) == COLUMNS * height
    rows = [panel for panel in panels if panel["type"] == "row"]
    assert all((row["gridPos"]["w"], row["gridPos"]["h"]) == (COLUMNS, 1) for row in rows)
    order = [(p["gridPos"]["y"], p["gridPos"]["x"]) for p in panels]
    assert order == sorted(order)
    assert panels[0]["type"] == "row"


@each_dashboard
def test_panels_explain_themselves(name: str) -> None:
    """Each has a number, a title, a description, a unit, the chosen data source, and a legend."""
    panels = list(panels_of(DASHBOARDS[name]))
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["type"] for panel in panels} <= KINDS
    shown = [panel for panel in panels if panel["type"] != "row"]
    assert len({panel["title"] for panel in shown}) == len(shown)
    for panel in shown:
        title = panel["title"]
        assert panel["description"].endswith("."), title
        assert panel["datasource"] == DATASOURCE, title
        assert panel["fieldConfig"]["defaults"]["unit"] in vars(units).values(), title
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None, title
        for target in panel["targets"]:
            assert target["datasource"] == DATASOURCE, title
            if target["range"]:
                assert target["legendFormat"], title


@each_dashboard
def test_tables_name_their_columns(name: str) -> None:
    """Each query of a table is a column with a name of its own, and is formatted by that name."""
    for panel in (panel for panel in panels_of(DASHBOARDS[name]) if panel["type"] == "table"):
        merge, organize = panel["transformations"]
        assert (merge["id"], organize["id"]) == ("merge", "organize")
        names = organize["options"]["renameByName"]
        hidden = organize["options"]["excludeByName"]
        letters = [target["refId"] for target in panel["targets"]]
        values = {f"Value #{letter}" for letter in letters} if len(letters) > 1 else {"Value"}
        assert values <= names.keys() | hidden.keys()
        shown = set(names.values())
        assert {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]} <= shown
        assert {one["displayName"] for one in panel["options"]["sortBy"]} <= shown


@each_dashboard
def test_every_variable_exists(name: str) -> None:
    """Queries and links use no variable that neither the dashboard nor Grafana has."""
    dashboard = DASHBOARDS[name]
    own = {variable["name"] for variable in dashboard["templating"]["list"]}
    without_texts_of_users = json.dumps([dashboard["panels"], dashboard["links"]])
    queries = " ".join(asked.expression for asked in asked_by(dashboard))
    used = set(re.findall(r"\$\{?(\w+)", without_texts_of_users + queries))
    assert used <= own | OF_GRAFANA
    assert own <= used
    first = dashboard["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"]) == ("datasource",) * 2 + ("prometheus",)


def test_links_lead_somewhere() -> None:
    """Links to dashboards name one that is there, and variables that it has."""
    text = json.dumps(list(DASHBOARDS.values()))
    targets = re.findall(r"/d/([\w-]+)/[\w-]+\?([^\"]+)", text)
    assert targets
    for uid, query in targets:
        variables = {one["name"] for one in DASHBOARDS[uid]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", query)) <= variables
        assert set(re.findall(r"\$\{(\w+):queryparam\}", query)) <= variables


def test_the_guide_tells_what_every_row_answers() -> None:
    """Each row of each dashboard stands in the README."""
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    for dashboard in DASHBOARDS.values():
        assert f"`{dashboard['uid']}.json`" in guide
        _, _, part = guide.partition(f"`{dashboard['uid']}.json`")
        for panel in dashboard["panels"]:
            if panel["type"] == "row":
                assert f"\n| {panel['title']} |" in part.partition("\n## ")[0]


def test_provisioning_is_as_grafana_reads_it() -> None:
    """The data source is a Prometheus, and the provider reads a folder that the README names."""
    folder = FOLDER / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")
    (provider,) = yaml.safe_load((folder / "dashboards/modelwatch.yml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] in (FOLDER / "README.md").read_text(encoding="utf-8")
