"""The configuration of examples/opentelemetry_collector: whole, and what it names is served."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from modelwatch.collector.showing import results_encoding
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.assembling import OURS
from tests import plain_http
from tests.deployment.containers import ROOT, Container, collector_flags, run, started
from tests.server_process import free_port

FOLDER = ROOT / "examples/opentelemetry_collector"
GUIDE = (FOLDER / "README.md").read_text()
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "config.yaml").read_text())
PIPELINES: dict[str, dict[str, list[str]]] = CONFIG["service"]["pipelines"]
CREATE = ["modelwatch", "token", "create"]
SECTIONS = ("receivers", "processors", "exporters")
RESULTS = {
    getattr(results_encoding, name)
    for name in (
        "DRIFT_SCORE",
        "DRIFT_SEVERITY",
        "LABEL_COVERAGE",
        "LABEL_DELAY",
        "MODEL_SEVERITY",
        "PERFORMANCE_VALUE",
    )
}


def condition(processor: str) -> tuple[bool, re.Pattern[str]]:
    """Return whether a filter drops names that match its pattern, and the pattern."""
    (text,) = CONFIG["processors"][processor]["metrics"]["metric"]
    found = re.fullmatch(r'(not )?IsMatch\(name, "(.+)"\)', text)
    assert found
    return found[1] is None, re.compile(found[2])


def test_each_part_is_declared_and_used() -> None:
    """Pipelines name what there is, and all that there is."""
    for section in SECTIONS:
        used = {name for pipeline in PIPELINES.values() for name in pipeline[section]}
        assert used == set(CONFIG[section])
    assert set(CONFIG["service"]["extensions"]) == set(CONFIG["extensions"])
    exporter = CONFIG["exporters"]["otlp_http/modelwatch"]
    assert exporter["auth"]["authenticator"] in CONFIG["extensions"]
    assert exporter["sending_queue"]["storage"] in CONFIG["extensions"]
    assert all(pipeline["processors"][0] == "memory_limiter" for pipeline in PIPELINES.values())


def test_filters_tell_what_is_for_whom() -> None:
    """modelwatch gets its own metrics, the backend the results and all others."""
    others = RESULTS | {"http.server.request.duration", "modelwatchful.rows"}
    for processor, kept, dropped in (
        ("filter/for_modelwatch", OURS, others),
        ("filter/for_backend", others, OURS),
    ):
        drops_matches, pattern = condition(processor)
        assert not [name for name in kept if bool(pattern.search(name)) == drops_matches]
        assert not [name for name in dropped if bool(pattern.search(name)) != drops_matches]
    (scope,) = CONFIG["processors"]["filter/for_modelwatch"]["logs"]["log_record"]
    assert scope == f'instrumentation_scope.name != "{names.SCOPE}"'


def test_what_it_asks_for_is_served(tmp_path: Path) -> None:
    """Ports, paths and tokens are the collector's; what it compresses with is taken."""
    exporter = CONFIG["exporters"]["otlp_http/modelwatch"]
    (job,) = CONFIG["receivers"]["prometheus/modelwatch"]["config"]["scrape_configs"]
    told = {
        "otlp-http": urlsplit(exporter["endpoint"]),
        "api": urlsplit(f"//{job['static_configs'][0]['targets'][0]}{job['metrics_path']}"),
    }
    for name, address in told.items():
        assert re.search(rf"--{name}-port .*\[default: {address.port}\]", collector_flags())
    ports = {name: free_port() for name in (*told, "otlp-grpc")}
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    store = ["--store", str(tmp_path / "store.sqlite")]
    sends, reads = (
        run(Container(command=[*CREATE, scope, "--scope", scope, *store])).strip()
        for scope in ("ingest", "read")
    )

    def status(name: str, path: str, *, token: str = "", encoding: str = "identity") -> int:
        url = f"http://127.0.0.1:{ports[name]}{told[name].path}{path}"
        headers = {"Content-Encoding": encoding, "Content-Type": "application/x-protobuf"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        if name == "api":
            return plain_http.get(url, headers=headers).status_code
        body = gzip.compress(b"") if encoding == "gzip" else b""
        return plain_http.post(url, content=body, headers=headers).status_code

    ready = f"http://127.0.0.1:{ports['api']}/readyz"
    collector = Container(command=["modelwatch", "collector", *store, *options])
    with started(collector, ready, tmp_path / "log", grace_seconds=30):
        for path in ("/v1/metrics", "/v1/logs"):
            assert status("otlp-http", path) == 401
            encoding = exporter["compression"]
            assert status("otlp-http", path, token=sends, encoding=encoding) == 200
            assert status("otlp-http", path, token=sends, encoding="zstd") == 415
        assert status("api", "") == 401
        assert status("api", "", token=reads) == 200


def test_the_guide_says_what_there_is() -> None:
    """Its pieces of configuration can be read, and the command line has each option."""
    pieces = re.findall(r"```yaml\n(.+?)```", GUIDE, re.DOTALL)
    assert [list(yaml.safe_load(piece)) for piece in pieces] == [["exporters"], ["exporters"]]
    flags = collector_flags()
    options = set(re.findall(r"(--[a-z][a-z-]+)", GUIDE)) - {"--batch-max-size"}
    assert options
    assert all(f"{option} " in flags for option in options)
    told = re.findall(r"`(modelwatch\.[a-z.]+)\*?`", GUIDE)
    found = {
        *RESULTS,
        results_encoding.DRIFT_DETECTED,
        results_encoding.CONCEPT_CHANGED,
    }
    assert all(any(name.startswith(prefix) for prefix in told) for name in found)
    assert all(any(name.startswith(prefix) for name in found) for prefix in told)
